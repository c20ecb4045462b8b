use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::{
    error::ModelError,
    wire::{CallDelta, Choice, Chunk, Usage},
};
use crate::chat::config::CHARACTERS_PER_TOKEN;

/// Largest answer on the wire.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Most tool calls in one answer.
const MAX_CALLS: usize = 100;
/// How long to wait, after the reason to finish, for the number of tokens, which is all that may still come.
const USAGE_TIMEOUT: Duration = Duration::from_millis(500);

/// A tool that the model wants to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    index: Option<usize>,
    id: String,
    pub name: String,
    /// JSON, unless the model made a mistake.
    pub arguments: String,
}

/// An answer that is being read.
pub struct Answer {
    response: Response,
    /// Received bytes of a line that has not ended.
    unread: Vec<u8>,
    /// Whether the whole body is one JSON document.
    is_document: Option<bool>,
    received: usize,
    /// Bytes of the request.
    asked_bytes: usize,
    /// Bytes of text and of arguments in the answer.
    answered_bytes: usize,
    stall: Duration,
    asked: Instant,
    pub first_token: Option<Duration>,
    pub calls: Vec<Call>,
    pub usage: Usage,
    finish: Option<String>,
    /// The server said that nothing more comes.
    done: bool,
    /// The connection has been closed in order.
    ended: bool,
    /// At least a part of what came was part of an answer.
    understood: bool,
}

impl Answer {
    pub fn new(response: Response, asked: Instant, asked_bytes: usize, stall: Duration) -> Self {
        Self {
            response,
            unread: Vec::new(),
            is_document: None,
            received: 0,
            asked_bytes,
            answered_bytes: 0,
            stall,
            asked,
            first_token: None,
            calls: Vec::new(),
            usage: Usage::default(),
            finish: None,
            done: false,
            ended: false,
            understood: false,
        }
    }

    /// The next piece of text, which may be empty; `None` when the answer is complete. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<String>, ModelError> {
        while !self.done {
            if let Some(line) = self.line() {
                match self.read(&line)? {
                    Some(text) => return Ok(Some(text)),
                    None => continue,
                }
            }
            if self.ended {
                break;
            }
            let limit = if self.finish.is_some() { USAGE_TIMEOUT } else { self.stall };
            match timeout(limit, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => {
                    self.received += bytes.len();
                    if self.received > MAX_ANSWER_BYTES {
                        return Err(ModelError::broken("The model's answer is far too long."));
                    }
                    self.unread.extend_from_slice(&bytes);
                }
                Ok(Ok(None)) => {
                    self.ended = true;
                    // The last line may have no line feed.
                    self.unread.push(b'\n');
                }
                // Nothing of the answer is missing.
                _ if self.finish.is_some() => break,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(ModelError::stalled()),
            }
        }
        let complete = self.done || self.finish.is_some();
        self.done = true;
        match self.finish.as_deref() {
            _ if !self.understood => Err(ModelError::broken(
                "The model's server answers with something else than an answer. The operator has to check OPENAI_BASE_URL.",
            )),
            _ if !complete => Err(ModelError::broken("The model's answer breaks off. Try again.")),
            Some("content_filter") => Err(ModelError::filtered()),
            _ => Ok(None),
        }
    }

    /// The tokens that this has cost so far: as the model counted them, else an estimate.
    pub fn tokens(&self) -> u64 {
        match self.usage.prompt_tokens + self.usage.completion_tokens {
            0 => ((self.asked_bytes + self.answered_bytes) / CHARACTERS_PER_TOKEN) as u64,
            counted => counted,
        }
    }

    /// Time since the model was asked.
    pub fn elapsed(&self) -> Duration {
        self.asked.elapsed()
    }

    /// The next complete line, or a whole document. A line feed is never part of another UTF-8 character, so that
    /// splitting there cuts no character in two.
    fn line(&mut self) -> Option<String> {
        let start = self.unread.iter().position(|byte| !byte.is_ascii_whitespace())?;
        if *self.is_document.get_or_insert(self.unread[start] == b'{') {
            let document = std::str::from_utf8(&self.unread).ok()?;
            let complete = serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok();
            return complete.then(|| String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned());
        }
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    /// Reads a line: the text in it, if it is a chunk of the answer.
    fn read(&mut self, line: &str) -> Result<Option<String>, ModelError> {
        let is_document = self.is_document == Some(true);
        let data = if is_document { Some(line) } else { line.strip_prefix("data:") };
        // The other lines are comments, names of events, and empty.
        let Some(data) = data.map(str::trim).filter(|data| !data.is_empty()) else { return Ok(None) };
        if data == "[DONE]" {
            self.done = true;
            return Ok(None);
        }
        let unreadable = |_| ModelError::broken("The model's answer cannot be read. Try again.");
        let chunk: Chunk = serde_json::from_str(data).map_err(unreadable)?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(ModelError::in_stream(&error));
        }
        self.understood = true;
        self.usage = chunk.usage.map_or(self.usage, Usage::bounded);
        self.done = is_document;
        let text = match chunk.choices.into_iter().next() {
            Some(choice) => self.choice(choice)?,
            None if is_document => return Err(ModelError::broken("The model's answer has no choices.")),
            None => String::new(),
        };
        Ok(Some(text))
    }

    fn choice(&mut self, choice: Choice) -> Result<String, ModelError> {
        self.finish = choice.finish_reason.or(self.finish.take());
        let Some(delta) = choice.delta.or(choice.message) else { return Ok(String::new()) };
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(call)?;
        }
        // PostgreSQL cannot store the character.
        let text = delta.content.or(delta.refusal).unwrap_or_default().replace('\0', "\u{fffd}");
        self.answered_bytes += text.len();
        if self.first_token.is_none() && !(text.is_empty() && self.calls.is_empty()) {
            self.first_token = Some(self.asked.elapsed());
        }
        Ok(text)
    }

    /// Adds a piece to the call that it belongs to: that with the same id, else that with the same index. Some servers
    /// leave one or the other out, or give every call the index 0.
    fn call(&mut self, piece: CallDelta) -> Result<(), ModelError> {
        let id = piece.id.unwrap_or_default();
        let same_index = |call: &Call| piece.index.is_none() || call.index == piece.index;
        let place = if id.is_empty() {
            let begins =
                piece.index.is_none() && piece.function.as_ref().is_some_and(|function| function.name.is_some());
            self.calls.iter().rposition(same_index).filter(|_| !begins)
        } else {
            self.calls.iter().rposition(|call| call.id == id)
        };
        let place = if let Some(place) = place {
            place
        } else {
            if self.calls.len() == MAX_CALLS {
                return Err(ModelError::broken("The model wants to do far too many things at once."));
            }
            self.calls.push(Call { index: piece.index, id, ..Call::default() });
            self.calls.len() - 1
        };
        let call = &mut self.calls[place];
        if let Some(function) = piece.function {
            let before = call.arguments.len();
            // The first piece has the whole name; some servers repeat it.
            call.name = function.name.filter(|name| !name.is_empty()).unwrap_or(std::mem::take(&mut call.name));
            match function.arguments {
                Some(Value::String(text)) => call.arguments.push_str(&text),
                Some(Value::Null) | None => {}
                Some(object) => call.arguments.push_str(&object.to_string()),
            }
            self.answered_bytes += call.arguments.len() - before;
        }
        Ok(())
    }
}
