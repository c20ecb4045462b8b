//! The events of an answer's body.

use std::collections::VecDeque;

use serde::de::IgnoredAny;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads server-sent events as they come, and is lenient where servers are: the last event may lack its empty line, all
/// of them may, and JSON may stand there without being the data of an event, as in an answer that is not streamed.
#[derive(Default)]
pub struct Events {
    /// Received bytes of a line that has not ended.
    line: Vec<u8>,
    /// The last byte was a carriage return, which ends a line together with a line feed that may follow.
    after_return: bool,
    place: Place,
    /// Lines of data of an event that has not ended.
    data: Vec<String>,
    ready: VecDeque<String>,
    /// Lines that were passed over, because no server should send them.
    pub passed_over: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// No line has been read.
    #[default]
    Beginning,
    Events,
    /// JSON of several lines began outside of an event: it goes on until the end of the body.
    Document,
}

impl Events {
    /// The data of the next event.
    pub fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                bytes = rest;
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.line.extend_from_slice(bytes);
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line();
        }
    }

    /// Ends the last line and the last event.
    pub fn end(&mut self) {
        self.end_line();
        self.end_event();
    }

    /// An end of a line is never part of another UTF-8 character, so that splitting there cuts no character in two.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = match self.place {
            Place::Beginning => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line),
            Place::Events | Place::Document => &line,
        };
        let line = String::from_utf8_lossy(line);
        if self.place == Place::Document {
            return self.data.push(line.into_owned());
        }
        self.place = Place::Events;
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                // No empty line came before: the data so far are an event if they are whole.
                if let [before] = self.data.as_slice()
                    && is_json(before)
                {
                    self.end_event();
                }
                self.data.push(value.to_owned());
            }
            // llama.cpp reports an error in a field of its own.
            "error" => self.ready.push_back(format!("{{\"error\":{value}}}")),
            // A comment, and what only matters to who connects again.
            "" | "event" | "id" | "retry" => {}
            _ if line.trim_start().starts_with('{') => {
                self.end_event();
                self.data.push(line.clone().into_owned());
                if is_json(&line) {
                    self.end_event();
                } else {
                    self.place = Place::Document;
                }
            }
            _ => self.passed_over += 1,
        }
    }

    fn end_event(&mut self) {
        if !self.data.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.data).join("\n"));
        }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a body that comes in writes of one byte, which are those of one write.
    fn read(body: &[u8]) -> Vec<String> {
        let [whole, single] = [body.len().max(1), 1].map(|size| {
            let mut events = Events::default();
            body.chunks(size).for_each(|bytes| events.feed(bytes));
            events.end();
            std::iter::from_fn(move || events.next()).collect::<Vec<_>>()
        });
        assert_eq!(whole, single);
        whole
    }

    #[test]
    fn events_end_where_the_standard_says_and_where_servers_leave_it_out() {
        for body in [
            "data: 1\n\ndata: 2\n\n",
            "data: 1\n\ndata: 2\n",
            "data: 1\n\ndata: 2",
            "data: 1\ndata: 2\n",
            "data: 1\r\rdata: 2\r\r",
            "data: 1\r\n\r\ndata: 2\r\n\r\n",
            "\u{feff}data:1\n\n: comment\nhello\nid\n\ndata:2\n\n",
        ] {
            assert_eq!(read(body.as_bytes()), ["1", "2"], "{body:?}");
        }
        assert_eq!(read(b"data: {\ndata: }\n\n"), ["{\n}"]);
        assert_eq!(read(b"data: a\xff\n\n"), ["a\u{fffd}"]);
        assert_eq!(read(b""), [""; 0]);
    }

    #[test]
    fn json_may_stand_outside_of_an_event() {
        assert_eq!(read("\u{feff}{\"a\":1}\n{\"b\":2}".as_bytes()), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(read(b"\n{\n\"a\": [\n]}\n"), ["{\n\"a\": [\n]}\n"]);
        assert_eq!(read(b"error: {\"code\":500}\n"), ["{\"error\":{\"code\":500}}"]);
    }
}
