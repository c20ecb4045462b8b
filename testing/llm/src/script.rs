//! Scripts: what a model answers.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use crate::{Error, reply::Reply};

/// What the model answers: the first rule that fits, else the next of the replies in order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The bearer token to ask for; any and none will do where it is absent.
    pub key: Option<String>,
    /// Given one after the other, each once.
    pub replies: Vec<Reply>,
    /// Each rule answers whenever it fits.
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

/// Answers while its conditions hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct Rule {
    pub when: When,
    /// One for each round of a turn: the first when the user has spoken, the second after the first tool results, and
    /// so on. After the last of them the rule no longer fits.
    pub replies: Vec<Reply>,
    /// The last reply is for every further round too.
    pub repeat: bool,
    /// How often the rule answers at most.
    pub times: Option<usize>,
}

impl Rule {
    /// Answers the rounds of a turn whose user message has a match of the pattern.
    ///
    /// # Panics
    /// When the pattern is no regular expression.
    pub fn user(pattern: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let user = Regex::new(pattern).map(Pattern).expect("a regular expression");
        let when = When { user: Some(user), ..When::default() };
        Self { when, replies: replies.into_iter().collect(), repeat: false, times: None }
    }

    /// The last reply is for every further round too.
    #[must_use]
    pub fn repeat(self) -> Self {
        Self { repeat: true, ..self }
    }

    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }
}

/// A rule as it is written.
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

/// The conditions of a rule. All of them must hold; a rule without conditions always fits.
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
