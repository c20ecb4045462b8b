//! A reply of the model, and how it is sent.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A reply of the model. Every text in it is a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// The text, which is streamed word by word.
    pub text: String,
    /// Texts that follow, each as one chunk.
    pub pieces: Vec<String>,
    /// What the model thinks before it answers: `reasoning_content`, word by word.
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
    /// The body byte for byte, in place of all of the above and without templates.
    pub raw: Option<String>,
    /// The reason in the last chunk: `tool_calls` or `stop` by default.
    pub finish_reason: Option<String>,
    /// Unusual but valid encodings, which can be combined.
    pub quirks: Vec<Quirk>,
    /// The fault that breaks the answer.
    pub fault: Option<Fault>,
    /// The gate at which the answer waits for the test.
    pub gate: Option<Gate>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    pub name: String,
    /// An object, or a text, which is sent unchanged and need not be JSON.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
    /// The id, in place of one that is made up.
    pub id: Option<String>,
    /// Further fields of the call, such as the signature that Gemini wants back.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

fn no_arguments() -> Value {
    Value::Object(Map::new())
}

/// An unusual encoding of a complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Each byte is written separately, also within a character.
    SplitBytes,
    /// The pieces of several tool calls alternate.
    Interleave,
    /// The first chunk has a role and no content.
    RoleOnly,
    /// A chunk without choices begins the stream, as from Azure.
    EmptyChoices,
    /// Lines end with CR LF.
    Crlf,
    /// There are comments between the chunks, as some gateways send them. openai-go fails to read them.
    Comments,
    /// The answer is one JSON document, although the request asks for a stream.
    Json,
    /// The chunk with the finish reason is missing.
    NoFinish,
    /// `[DONE]` is missing.
    NoDone,
}

/// A fault. `after` is the number of complete chunks before it; the first chunk has only the role.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The answer is an HTTP error, whose body is `raw` if the reply has it.
    Status {
        code: u16,
        /// The value of the header `Retry-After`, in seconds.
        retry_after: Option<u64>,
        #[serde(default)]
        message: String,
    },
    /// The request gets no answer, not even a status.
    Silence,
    /// The connection closes before an answer.
    Close,
    /// The connection breaks in the middle of the stream.
    Cut {
        #[serde(default)]
        after: usize,
    },
    /// The stream stays open without further data.
    Stall {
        #[serde(default)]
        after: usize,
    },
    /// The stream ends with an error object.
    Error {
        #[serde(default)]
        after: usize,
        message: String,
    },
}

/// A place in a stream at which chunks wait until the test lets them pass.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    pub name: String,
    /// The number of chunks that do not wait.
    #[serde(default)]
    pub after: usize,
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A text in these pieces.
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { pieces: pieces.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    /// A tool call.
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::default().and_call(name, arguments)
    }

    #[must_use]
    pub fn and_call(mut self, name: &str, arguments: Value) -> Self {
        self.tool_calls.push(ToolCall { name: name.to_owned(), arguments, id: None, extra: Map::new() });
        self
    }

    /// A body byte for byte.
    pub fn raw(body: impl Into<String>) -> Self {
        Self { raw: Some(body.into()), ..Self::default() }
    }

    /// An HTTP error with this status.
    pub fn status(code: u16) -> Self {
        Self::default().fault(Fault::Status { code, retry_after: None, message: String::new() })
    }

    /// A status 429 with `Retry-After`, in seconds.
    pub fn rate_limited(seconds: u64) -> Self {
        Self::default().fault(Fault::Status { code: 429, retry_after: Some(seconds), message: String::new() })
    }

    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Makes each chunk after the first `after` chunks wait at a gate.
    #[must_use]
    pub fn gate(mut self, name: &str, after: usize) -> Self {
        self.gate = Some(Gate { name: name.to_owned(), after });
        self
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}
