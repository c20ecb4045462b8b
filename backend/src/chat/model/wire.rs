//! The chunks of an answer. Every field is optional that a server leaves out.

use serde::Deserialize;
use serde_json::Value;

/// Most tokens of a request, and of its answer, that are believed. No model has room for so many.
const MAX_TOKENS: u64 = 10_000_000;

#[derive(Deserialize)]
pub struct Chunk {
    #[serde(default)]
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
    pub error: Option<Value>,
}

#[derive(Deserialize)]
pub struct Choice {
    pub delta: Option<Delta>,
    /// In place of `delta`, in an answer that is not streamed.
    pub message: Option<Delta>,
    pub finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub struct Delta {
    pub content: Option<String>,
    pub refusal: Option<String>,
    pub tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
pub struct CallDelta {
    pub index: Option<usize>,
    pub id: Option<String>,
    pub function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
pub struct FunctionDelta {
    pub name: Option<String>,
    /// A piece of JSON as text; some servers send the object itself.
    pub arguments: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

impl Usage {
    /// What is counted of it: a server may send any number.
    pub fn bounded(self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.min(MAX_TOKENS),
            completion_tokens: self.completion_tokens.min(MAX_TOKENS),
        }
    }
}
