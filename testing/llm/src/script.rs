//! Scripts, which define the answers of a model.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use crate::{Error, reply::Reply};

/// The answers of a model: the reply of the first rule that matches, else the next of `replies`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The bearer token that a request must have. Without it, every request is accepted.
    pub key: Option<String>,
    /// The provider whose further rules for requests are applied.
    pub provider: Option<Provider>,
    /// Replies that are used in order, each once.
    pub replies: Vec<Reply>,
    /// Rules, each of which answers whenever it matches.
    pub rules: Vec<Rule>,
}

/// A provider that refuses what others accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The id of a call has nine letters and digits.
    Mistral,
    /// Each answer with calls in this turn has the signature that came with it.
    Gemini,
    /// Each answer with calls in this turn has its `reasoning_content`, and no earlier one has any.
    DeepSeek,
}

impl Script {
    pub fn in_order(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect(), ..Self::default() }
    }

    pub fn rules(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), ..Self::default() }
    }

    /// The script `scripts/demo.yaml`, which adds, lists, completes, renames and deletes tasks by simple phrases.
    ///
    /// # Panics
    /// Never, since a test parses the file.
    pub fn demo() -> Self {
        Self::parse(include_str!("../scripts/demo.yaml")).expect("the demo script is tested")
    }

    /// Parses YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text).map_err(|error| Error::Script(error.to_string()))
    }

    /// Reads a file in YAML or JSON.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Script(error.to_string()))?;
        Self::parse(&text)
    }
}

/// Replies to requests for which its conditions are true.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct Rule {
    pub when: When,
    /// One reply for each round of a turn: the first follows the message of the user, the second the first tool
    /// results, and so on. The rule does not match in later rounds.
    pub replies: Vec<Reply>,
    /// Whether the last reply is also used in every later round.
    pub repeat: bool,
    /// The maximum number of replies, or unlimited.
    pub times: Option<usize>,
}

impl Rule {
    /// A rule for turns whose user message matches the pattern.
    ///
    /// # Panics
    /// Panics if the pattern is no regular expression.
    pub fn user(pattern: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let user = Regex::new(pattern).map(Pattern).expect("a regular expression");
        let when = When { user: Some(user), ..When::default() };
        Self { when, replies: replies.into_iter().collect(), repeat: false, times: None }
    }

    /// Uses the last reply also in every later round.
    #[must_use]
    pub fn repeat(self) -> Self {
        Self { repeat: true, ..self }
    }

    /// Limits the number of replies.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }
}

/// A rule in the format of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    #[serde(default)]
    when: When,
    reply: Option<Reply>,
    replies: Option<Vec<Reply>>,
    times: Option<usize>,
}

impl TryFrom<RawRule> for Rule {
    type Error = &'static str;

    fn try_from(RawRule { when, reply, replies, times }: RawRule) -> Result<Self, Self::Error> {
        let (replies, repeat) = match (reply, replies) {
            (Some(reply), None) => (vec![reply], true),
            (None, Some(replies)) => (replies, false),
            _ => return Err("a rule has either `reply`, for every round, or `replies`, one for each round"),
        };
        Ok(Self { when, replies, repeat, times })
    }
}

/// The conditions of a rule. All of them must be true. A rule without conditions always matches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// It matches the last message of the user.
    pub user: Option<Pattern>,
    /// The last message is the result of this tool.
    pub tool: Option<String>,
    /// The last message is a tool result, and it matches its text.
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
