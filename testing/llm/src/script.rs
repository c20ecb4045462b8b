//! What a model is to answer.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// What the model answers: the first rule that fits, else the next of the replies in order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The bearer token to ask for; any and none will do where it is absent.
    pub key: Option<String>,
    /// Answered one after the other, each once.
    pub replies: Vec<Reply>,
    /// Each answers any number of times.
    pub rules: Vec<Rule>,
}

impl Script {
    pub fn in_order(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect(), ..Self::default() }
    }

    pub fn rules(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), ..Self::default() }
    }

    /// Adds, lists, completes, renames and deletes tasks by plain phrases: `scripts/demo.yaml`.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn demo() -> Self {
        Self::parse(include_str!("../scripts/demo.yaml")).expect("the demo script is tested")
    }

    /// Reads YAML, of which JSON is a part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text).map_err(|error| Error::Script(error.to_string()))
    }

    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Script(error.to_string()))?;
        Self::parse(&text)
    }
}

/// Answers a turn of the conversation, whose beginning is the user's last message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    pub when: When,
    /// The first when the turn begins, the second after the first tool results, and so on. After the last of them the
    /// rule no longer fits.
    pub replies: Vec<Reply>,
    /// Give the last reply in every further round too.
    #[serde(default)]
    pub repeat: bool,
}

impl Rule {
    /// For turns whose user message has a match of the pattern.
    ///
    /// # Panics
    /// When the pattern is no regular expression.
    pub fn user(pattern: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let user = Regex::new(pattern).map(Pattern).expect("a regular expression");
        let when = When { user: Some(user), ..When::default() };
        Self { when, replies: replies.into_iter().collect(), repeat: false }
    }

    #[must_use]
    pub fn repeat(self) -> Self {
        Self { repeat: true, ..self }
    }
}

/// All of it must hold; nothing holds always.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The user's last message has a match of it.
    pub user: Option<Pattern>,
    /// The last message is the result of this tool.
    pub tool: Option<String>,
    /// The last message is a tool result whose text has a match of it.
    pub result: Option<Pattern>,
}

/// A regular expression.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(pub Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(pattern: String) -> Result<Self, regex::Error> {
        Regex::new(&pattern).map(Self)
    }
}

/// One answer of the model. Every text in it is a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    pub text: Text,
    pub tool_calls: Vec<ToolCall>,
    /// `tool_calls` or `stop` unless given.
    pub finish_reason: Option<String>,
    /// Odd but readable ways to send it.
    pub quirks: Vec<Quirk>,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// Where to wait for the test.
    pub gate: Option<Gate>,
}

/// A text is streamed word by word, a list piece by piece.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Words(String),
    Pieces(Vec<String>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Pieces(Vec::new())
    }
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
    /// A chunk without choices begins the stream, as on Azure.
    EmptyChoices,
    /// Lines end with CR and LF.
    Crlf,
    /// Comment lines stand between the chunks.
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
        /// Seconds, for the header of that name.
        retry_after: Option<u64>,
        #[serde(default)]
        message: String,
    },
    /// The request gets no answer, not even a status.
    Silence,
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
        Self { text: Text::Words(text.into()), ..Self::default() }
    }

    /// A text in exactly these pieces.
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { text: Text::Pieces(pieces.into_iter().map(str::to_owned).collect()), ..Self::default() }
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
