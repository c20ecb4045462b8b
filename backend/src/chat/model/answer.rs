use std::time::Duration;

use reqwest::Response;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    error::ModelError,
    events::Events,
    thoughts::Thoughts,
    wire::{CallDelta, Choice, Chunk, Fields, Usage, merge},
};
use crate::tools::tokens::Estimate;

/// Largest answer on the wire.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Most tool calls in one answer.
const MAX_CALLS: usize = 100;
/// How long to wait, after the reason to finish, for the number of tokens, which is all that may still come.
const USAGE_TIMEOUT: Duration = Duration::from_millis(500);

/// A tool that the model wants to use.
#[derive(Clone, Debug, Default)]
pub struct Call {
    index: Option<u64>,
    id: String,
    pub name: String,
    /// JSON, unless the model made a mistake.
    pub arguments: String,
    /// Further fields of the call and of its function, as they came.
    others: Fields,
    of_function: Fields,
}

impl Call {
    /// The call as the model sent it, without the index, which is a matter of the stream.
    pub fn as_sent(&self) -> Fields {
        let mut function = self.of_function.clone();
        function.insert("name".into(), json!(self.name));
        function.insert("arguments".into(), json!(self.arguments));
        let mut call = self.others.clone();
        call.insert("id".into(), json!(self.id));
        call.entry("type").or_insert_with(|| json!("function"));
        call.insert("function".into(), Value::Object(function));
        call
    }
}

/// More of an answer. Both texts may be empty.
#[derive(Default)]
pub struct Piece {
    pub reasoning: String,
    pub text: String,
}

impl Piece {
    pub const fn is_empty(&self) -> bool {
        self.reasoning.is_empty() && self.text.is_empty()
    }
}

/// An answer that is being read.
pub struct Answer {
    response: Response,
    events: Events,
    thoughts: Thoughts,
    received: usize,
    /// Of the request, and of the text, the thoughts and the arguments that have come.
    estimate: Estimate,
    asked: Instant,
    /// How long the model may be silent.
    stall: Duration,
    /// The key, which no error may repeat.
    key: Option<SecretString>,
    pub first_token: Option<Duration>,
    pub calls: Vec<Call>,
    pub usage: Usage,
    /// Fields of the message that are not read, and those of the thoughts, as they came.
    pub others: Fields,
    finish: Option<String>,
    /// The server said that nothing more comes.
    done: bool,
    /// The connection has been closed in order.
    ended: bool,
    /// At least a part of what came was part of an answer.
    understood: bool,
}

impl Answer {
    pub fn new(response: Response, asked: Instant, request: &str, stall: Duration, key: Option<SecretString>) -> Self {
        Self {
            response,
            events: Events::default(),
            thoughts: Thoughts::default(),
            received: 0,
            estimate: Estimate::of(request),
            asked,
            stall,
            key,
            first_token: None,
            calls: Vec::new(),
            usage: Usage::default(),
            others: Fields::new(),
            finish: None,
            done: false,
            ended: false,
            understood: false,
        }
    }

    /// More of the answer; `None` when it is complete. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Piece>, ModelError> {
        while !self.done {
            if let Some(data) = self.events.next() {
                match self.read(&data)? {
                    Some(piece) => return Ok(Some(piece)),
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
                    self.events.feed(&bytes);
                }
                Ok(Ok(None)) => {
                    self.ended = true;
                    self.events.end();
                }
                // Nothing of the answer is missing.
                _ if self.finish.is_some() => break,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(ModelError::stalled()),
            }
        }
        let complete = self.done || self.finish.is_some();
        if self.events.passed_over > 0 {
            tracing::warn!(lines = self.events.passed_over, complete, "lines of a model's answer were passed over");
        }
        self.done = true;
        match self.finish.as_deref() {
            _ if !self.understood => Err(ModelError::broken(
                "The model's server answers with something else than an answer. The operator has to check OPENAI_BASE_URL.",
            )),
            _ if !complete => Err(ModelError::broken("The model's answer breaks off. Try again.")),
            Some("content_filter") => Err(ModelError::filtered()),
            Some("error") => Err(ModelError::broken("The model's server says that the answer has failed. Try again.")),
            _ => {
                let (reasoning, text) = self.thoughts.end();
                Ok(Some(Piece { reasoning, text }).filter(|piece| !piece.is_empty()))
            }
        }
    }

    /// Whether the answer ends where the model had no more room for it. Mistral says so in two ways.
    pub fn is_cut_off(&self) -> bool {
        matches!(self.finish.as_deref(), Some("length" | "model_length" | "max_tokens"))
    }

    /// The tokens that this has cost so far: as the model counted them, else an estimate.
    pub fn tokens(&self) -> u64 {
        match self.usage.prompt_tokens + self.usage.completion_tokens {
            0 => self.estimate.tokens() as u64,
            counted => counted,
        }
    }

    /// Time since the model was asked.
    pub fn elapsed(&self) -> Duration {
        self.asked.elapsed()
    }

    /// Reads the data of an event: what it adds to the answer, if it is a chunk of that.
    fn read(&mut self, data: &str) -> Result<Option<Piece>, ModelError> {
        let data = data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(None);
        }
        let chunk = match serde_json::from_str(data) {
            Ok(Value::Object(chunk)) => Chunk::read(chunk),
            // It may have been a part of the answer.
            Err(_) if data.starts_with('{') => {
                return Err(ModelError::broken("The model's answer cannot be read. Try again."));
            }
            // Some servers write comments as data, and some say nothing.
            _ => return Ok(None),
        };
        if let Some(error) = &chunk.error {
            return Err(ModelError::in_stream(error, self.key.as_ref()));
        }
        self.understood |= chunk.is_answer;
        self.usage = chunk.usage.unwrap_or(self.usage);
        chunk.choice.map(|choice| self.choice(choice)).transpose()
    }

    fn choice(&mut self, choice: Choice) -> Result<Piece, ModelError> {
        let Choice { delta, is_whole, finish } = choice;
        self.finish = finish.or(self.finish.take());
        self.done |= is_whole;
        for call in delta.calls {
            self.call(call)?;
        }
        merge(&mut self.others, delta.others);
        // PostgreSQL cannot store the character.
        let storable = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        let (thoughts, text) = self.thoughts.feed(&storable(delta.text));
        let piece = Piece { reasoning: storable(delta.reasoning) + &thoughts, text };
        self.estimate.add(&piece.reasoning);
        self.estimate.add(&piece.text);
        let is_empty = piece.reasoning.is_empty() && piece.text.is_empty() && self.calls.is_empty();
        if self.first_token.is_none() && !is_empty {
            self.first_token = Some(self.asked.elapsed());
        }
        Ok(piece)
    }

    /// Adds a piece to the call that it belongs to: that with the same id, else that with the same index. Some servers
    /// leave one or the other out, give every call the index 0, or two calls the same id.
    fn call(&mut self, piece: CallDelta) -> Result<(), ModelError> {
        let same_index = |call: &Call| piece.index.is_none() || call.index == piece.index;
        let place = if piece.id.is_empty() {
            let begins = piece.index.is_none() && !piece.name.is_empty();
            self.calls.iter().rposition(same_index).filter(|_| !begins)
        } else {
            self.calls.iter().rposition(|call| call.id == piece.id && same_index(call))
        };
        let place = if let Some(place) = place {
            place
        } else {
            if self.calls.len() == MAX_CALLS {
                return Err(ModelError::broken("The model wants to do far too many things at once."));
            }
            self.calls.push(Call { index: piece.index, id: piece.id, ..Call::default() });
            self.calls.len() - 1
        };
        let call = &mut self.calls[place];
        // The first piece has the whole name; some servers repeat it.
        if !piece.name.is_empty() {
            call.name = piece.name;
        }
        call.arguments.push_str(&piece.arguments);
        merge(&mut call.others, piece.others);
        merge(&mut call.of_function, piece.of_function);
        self.estimate.add(&piece.arguments);
        Ok(())
    }
}
