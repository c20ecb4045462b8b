//! Makes an answer from a script and a conversation.

use minijinja::{Environment, UndefinedBehavior};
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::{
    Error,
    conversation::Conversation,
    reply::{Reply, ToolCall},
    script::{Rule, When},
};

/// A reply whose templates are filled in.
#[derive(Debug)]
pub struct Answer {
    pub pieces: Vec<String>,
    /// Name and arguments, as text.
    pub calls: Vec<(String, String)>,
    pub reply: Reply,
}

/// The reply that a rule gives, and what its patterns captured.
pub fn by_rule(rules: &mut [Rule], conversation: &Conversation<'_>) -> Option<(Reply, Map<String, Value>)> {
    rules.iter_mut().filter(|rule| rule.times != Some(0)).find_map(|rule| {
        let captured = captures(&rule.when, conversation)?;
        let last = rule.repeat.then(|| rule.replies.last()).flatten();
        let reply = rule.replies.get(conversation.round()).or(last)?.clone();
        rule.times = rule.times.map(|times| times - 1);
        Some((reply, captured))
    })
}

/// What the patterns captured, or `None` when the conditions do not hold.
fn captures(when: &When, conversation: &Conversation<'_>) -> Option<Map<String, Value>> {
    let mut captured = Map::new();
    if let Some(pattern) = &when.user {
        capture(&pattern.0, &conversation.user(), &mut captured)?;
    }
    if when.tool.is_some() || when.result.is_some() {
        let (tool, text) = conversation.last_result()?;
        if when.tool.as_ref().is_some_and(|wanted| wanted != tool) {
            return None;
        }
        if let Some(pattern) = &when.result {
            capture(&pattern.0, &text, &mut captured)?;
        }
    }
    Some(captured)
}

fn capture(pattern: &Regex, text: &str, into: &mut Map<String, Value>) -> Option<()> {
    let found = pattern.captures(text)?;
    for name in pattern.capture_names().flatten() {
        into.insert(name.to_owned(), json!(found.name(name).map(|part| part.as_str())));
    }
    let all: Vec<_> = found.iter().map(|part| part.map(|part| part.as_str())).collect();
    into.insert("captures".to_owned(), json!(all));
    Some(())
}

impl Answer {
    pub fn of(reply: Reply, mut names: Map<String, Value>, conversation: &Conversation<'_>) -> Result<Self, Error> {
        let results = conversation.results();
        names.insert("user".to_owned(), json!(conversation.user()));
        names.insert("result".to_owned(), results.last().cloned().unwrap_or_default());
        names.insert("results".to_owned(), Value::Array(results));
        let templates = Templates::new(&names);

        let text = templates.text(&reply.text)?;
        let mut pieces: Vec<_> = text.split_inclusive(' ').map(str::to_owned).collect();
        for piece in &reply.pieces {
            pieces.push(templates.text(piece)?);
        }
        let call = |call: &ToolCall| {
            let arguments = match templates.value(&call.arguments)? {
                Value::String(text) => text,
                arguments => arguments.to_string(),
            };
            Ok((call.name.clone(), arguments))
        };
        let calls = reply.tool_calls.iter().map(call).collect::<Result<_, Error>>()?;
        Ok(Self { pieces, calls, reply })
    }
}

struct Templates {
    environment: Environment<'static>,
    names: minijinja::Value,
}

impl Templates {
    fn new(names: &Map<String, Value>) -> Self {
        let mut environment = Environment::new();
        // A name that is missing is a mistake in the script, except in a condition.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        Self { environment, names: minijinja::value::Serde(names).into() }
    }

    fn text(&self, template: &str) -> Result<String, Error> {
        self.environment.render_str(template, self.names.clone()).map_err(|error| failed(template, &error))
    }

    /// A text that is one expression gives its value, of any type.
    fn value(&self, template: &Value) -> Result<Value, Error> {
        match template {
            Value::String(text) => match expression(text) {
                Some(expression) => self
                    .environment
                    .compile_expression(expression)
                    .and_then(|expression| expression.eval(self.names.clone()))
                    .and_then(|value| {
                        serde_json::to_value(value).map_err(|error| {
                            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string())
                        })
                    })
                    .map_err(|error| failed(text, &error)),
                None => self.text(text).map(Value::String),
            },
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| Ok((name.clone(), self.value(value)?))).collect()
            }
            other => Ok(other.clone()),
        }
    }
}

fn expression(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{")).then_some(inside)
}

fn failed(template: &str, error: &minijinja::Error) -> Error {
    Error::Template { template: template.to_owned(), reason: error.to_string() }
}
