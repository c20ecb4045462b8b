//! A client for HTTP/1.1 over one kept connection, for the load.
//!
//! It blocks a thread and copies little, because what the load uses takes cores from what is measured, and xtask is
//! compiled without optimisation: a list costs it about 80 µs. `docs/decisions.md` says why it is not `oha`.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

/// How long one read may take. No answer of what is measured takes that long.
const READ_LIMIT: Duration = Duration::from_mins(1);
const MAX_HEADERS: usize = 64;

/// The bytes of a request.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    /// `headers` are complete lines without their end.
    pub fn new(method: &str, path: &str, headers: &[&str], body: &str) -> Self {
        let length = format!("content-length: {}", body.len());
        let of_body = ["content-type: application/json", &length];
        let start = [format!("{method} {path} HTTP/1.1"), "host: localhost".to_owned()];
        let lines = start.iter().map(String::as_str).chain(headers.iter().copied());
        let lines: Vec<&str> = lines.chain(of_body.into_iter().filter(|_| !body.is_empty())).collect();
        Self(format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn get(path: &str, headers: &[&str]) -> Self {
        Self::new("GET", path, headers, "")
    }
}

/// The head of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// In lower case.
    pub headers: Vec<(String, String)>,
    length: Length,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    #[default]
    UntilTheEnd,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The head at the beginning of `bytes` and its size, or `None` if it is incomplete.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(size) = response.parse(bytes).context("this is no HTTP/1.1")? else {
            return Ok(None);
        };
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
        };
        let mut head = Self {
            status: response.code.unwrap_or_default(),
            headers: response.headers.iter().map(header).collect(),
            length: Length::UntilTheEnd,
        };
        head.length = match (head.header("content-length"), head.header("transfer-encoding")) {
            (Some(length), _) => Length::Known(length.parse().context("an invalid content-length")?),
            (None, Some(encoding)) if encoding.eq_ignore_ascii_case("chunked") => Length::Chunked,
            _ if head.status == 204 || head.status == 304 => Length::Known(0),
            _ => Length::UntilTheEnd,
        };
        Ok(Some((head, size)))
    }
}

/// The data of a chunk at the beginning of `bytes`, and the size of all of the chunk; `None` if it is incomplete. The
/// last chunk has no data.
pub fn chunk(bytes: &[u8]) -> Result<Option<(&[u8], usize)>> {
    let (start, size) = match httparse::parse_chunk_size(bytes) {
        Ok(httparse::Status::Complete((start, size))) => (start, usize::try_from(size)?),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => bail!("an invalid chunk"),
    };
    let end = start + size + 2;
    Ok((bytes.len() >= end).then(|| (&bytes[start..start + size], end)))
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What was read and not yet used.
    buffer: Vec<u8>,
    /// Where the next part is read to.
    part: Box<[u8]>,
}

/// A response with all of its body.
#[derive(Debug)]
pub struct Response {
    pub head: Head,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body is no JSON")
    }

    pub fn check(self) -> Result<Self> {
        ensure!(
            (200..300).contains(&self.head.status),
            "the answer was {}: {}",
            self.head.status,
            String::from_utf8_lossy(&self.body)
        );
        Ok(self)
    }
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_LIMIT))?;
        Ok(Self { stream, buffer: Vec::new(), part: vec![0; 64 * 1024].into_boxed_slice() })
    }

    /// Sends a request and reads its response.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let mut body = Vec::new();
        let head = self.stream(request, |part| {
            body.extend_from_slice(part);
            true
        })?;
        Ok(Response { head, body })
    }

    /// Sends a request, and gives each part of the body to `on_part` when it arrives. If that returns `false`, the rest is
    /// not read, and the connection is of no more use.
    pub fn stream(&mut self, request: &Request, mut on_part: impl FnMut(&[u8]) -> bool) -> Result<Head> {
        self.stream.write_all(&request.0)?;
        let head = loop {
            if let Some((head, size)) = Head::parse(&self.buffer)? {
                self.buffer.drain(..size);
                break head;
            }
            ensure!(self.read()?, "the connection was closed before an answer");
        };
        match head.length {
            Length::Known(length) => {
                let mut left = length;
                loop {
                    let part = left.min(self.buffer.len());
                    let goes_on = on_part(&self.buffer[..part]);
                    self.buffer.drain(..part);
                    left -= part;
                    if left == 0 || !goes_on {
                        break;
                    }
                    ensure!(self.read()?, "the answer is incomplete");
                }
            }
            Length::Chunked => loop {
                let mut used = 0;
                let mut is_last = false;
                while let (false, Some((data, size))) = (is_last, chunk(&self.buffer[used..])?) {
                    is_last = data.is_empty() || !on_part(data);
                    used += size;
                }
                self.buffer.drain(..used);
                if is_last {
                    break;
                }
                ensure!(self.read()?, "the answer is incomplete");
            },
            Length::UntilTheEnd => loop {
                let goes_on = on_part(&self.buffer);
                self.buffer.clear();
                if !goes_on || !self.read()? {
                    break;
                }
            },
        }
        Ok(head)
    }

    /// Reads what is there; `false` at the end.
    fn read(&mut self) -> Result<bool> {
        let count = loop {
            match self.stream.read(&mut self.part) {
                // By a signal, which another part of this program handles.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                count => break count?,
            }
        };
        self.buffer.extend_from_slice(&self.part[..count]);
        Ok(count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_request_has_a_length_only_with_a_body() {
        assert_eq!(Request::get("/a", &["x: y"]).0, b"GET /a HTTP/1.1\r\nhost: localhost\r\nx: y\r\n\r\n");
        let request = String::from_utf8(Request::new("POST", "/a", &[], "{}").0).unwrap();
        assert!(request.ends_with("content-length: 2\r\n\r\n{}"), "{request}");
    }

    /// A server that answers the requests of one connection with these bytes, each in two parts.
    fn server(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).unwrap() > 0);
                let (one, other) = answer.split_at(answer.len() / 2);
                for part in [one, other] {
                    stream.write_all(part.as_bytes()).unwrap();
                    stream.flush().unwrap();
                }
            }
        });
        address
    }

    #[test]
    fn responses_are_read_from_one_connection() {
        let address = server(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name: Value\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 500 Oh\r\n\r\nuntil the end",
        ]);
        let mut connection = Connection::open(address).unwrap();
        let request = Request::get("/", &[]);
        let response = connection.send(&request).unwrap();
        assert_eq!((response.head.header("x-name"), &response.body[..]), (Some("Value"), &b"hello"[..]));
        assert_eq!(connection.send(&request).unwrap().body, b"abc0123456789");
        assert_eq!(connection.send(&request).unwrap().head.status, 204);
        let failed = connection.send(&request).unwrap().check().unwrap_err().to_string();
        assert!(failed.contains("500: until the end"), "{failed}");
    }

    #[test]
    fn chunks_are_parsed() {
        assert_eq!(chunk(b"3\r\nabc\r\n0\r\n\r\n").unwrap(), Some((&b"abc"[..], 8)));
        assert_eq!(chunk(b"0\r\n\r\n").unwrap(), Some((&b""[..], 5)));
        for incomplete in ["", "3", "3\r\nab", "3\r\nabc\r"] {
            assert_eq!(chunk(incomplete.as_bytes()).unwrap(), None, "{incomplete}");
        }
        assert!(chunk(b"no\r\n").is_err());
    }
}
