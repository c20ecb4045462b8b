//! One answer of the model, and how it is sent.

use serde::Deserialize;
use serde_json::Value;

/// One answer of the model. Every text in it is a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// Streamed word by word.
    pub text: String,
    /// Streamed as they are, after the text.
    pub pieces: Vec<String>,
    pub tool_calls: Vec<ToolCall>,
    /// `tool_calls` or `stop` unless given.
    pub finish_reason: Option<String>,
    /// Odd but readable ways to send it.
    pub quirks: Vec<Quirk>,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// The place at which the answer waits for the test.
    pub gate: Option<Gate>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    pub name: String,
    /// An object; or a text, sent as it is, which need not be JSON.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
}

fn no_arguments() -> Value {
    Value::Object(serde_json::Map::new())
}

/// An odd way to send an answer that is whole. They can be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Each byte is a write of its own, also in the middle of characters.
    SplitBytes,
    /// The pieces of several tool calls take turns.
    Interleave,
    /// The first chunk has a role and no content.
    RoleOnly,
    /// A chunk without choices begins the stream, as from Azure.
    EmptyChoices,
    /// Lines end with CR and LF.
    Crlf,
    /// Comments stand between the chunks, as some gateways send them. openai-go stumbles over them.
    Comments,
    /// One JSON document, although a stream was asked for.
    Json,
    /// The chunk with the reason to finish is missing.
    NoFinish,
    /// `[DONE]` is missing.
    NoDone,
}

/// What goes wrong. `after` counts the chunks that were sent whole; the first has the role only.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An HTTP error in place of an answer.
    Status {
        code: u16,
        /// The seconds in the header of that name.
        retry_after: Option<u64>,
        #[serde(default)]
        message: String,
    },
    /// The request gets no answer, not even a status.
    Silence,
    /// The connection ends before an answer.
    Close,
    /// The connection ends in the middle of the stream.
    Cut {
        #[serde(default)]
        after: usize,
    },
    /// The stream goes on for ever without a further byte.
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

/// A place in a stream that only the test opens: a chunk at a time or for good.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    pub name: String,
    /// How many chunks pass freely.
    #[serde(default)]
    pub after: usize,
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A text in exactly these pieces.
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { pieces: pieces.into_iter().map(str::to_owned).collect(), ..Self::default() }
    }

    pub fn call(name: &str, arguments: Value) -> Self {
        Self::default().and_call(name, arguments)
    }

    #[must_use]
    pub fn and_call(mut self, name: &str, arguments: Value) -> Self {
        self.tool_calls.push(ToolCall { name: name.to_owned(), arguments });
        self
    }

    /// An HTTP error.
    pub fn status(code: u16) -> Self {
        Self::default().fault(Fault::Status { code, retry_after: None, message: String::new() })
    }

    /// 429 with `Retry-After`.
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

    /// Waits at a gate before each chunk after the first `after`.
    #[must_use]
    pub fn gate(mut self, name: &str, after: usize) -> Self {
        self.gate = Some(Gate { name: name.to_owned(), after });
        self
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}
