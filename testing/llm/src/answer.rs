//! Chooses a reply for a conversation, and renders its templates.

use minijinja::{Environment, UndefinedBehavior};
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::{
    Error,
    conversation::Conversation,
    reply::{Reply, ToolCall},
    script::{Rule, When},
};

/// A reply with rendered templates.
#[derive(Debug)]
pub struct Answer {
    pub pieces: Vec<String>,
    pub reasoning: Vec<String>,
    pub calls: Vec<Call>,
    pub reply: Reply,
}

/// A tool call whose arguments are a text.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    pub arguments: String,
    pub id: Option<String>,
    pub extra: Map<String, Value>,
}

/// The reply of the first rule that matches, and the captures of its patterns.
pub fn match_rules(rules: &mut [Rule], conversation: &Conversation<'_>) -> Option<(Reply, Map<String, Value>)> {
    rules.iter_mut().filter(|rule| rule.times != Some(0)).find_map(|rule| {
        let captured = captures(&rule.when, conversation)?;
        let last = rule.repeat.then(|| rule.replies.last()).flatten();
        let reply = rule.replies.get(conversation.round()).or(last)?.clone();
        rule.times = rule.times.map(|times| times - 1);
        Some((reply, captured))
    })
}

/// The captures of the patterns, or `None` if a condition is false.
fn captures(when: &When, conversation: &Conversation<'_>) -> Option<Map<String, Value>> {
    let mut captured = Map::new();
    if let Some(pattern) = &when.user {
        capture(&pattern.0, &conversation.user_message(), &mut captured)?;
    }
    if when.tool.is_some() || when.result.is_some() {
        let (tool, text) = conversation.last_result()?;
        if when.tool.as_ref().is_some_and(|expected| expected != tool) {
            return None;
        }
        if let Some(pattern) = &when.result {
            capture(&pattern.0, &text, &mut captured)?;
        }
    }
    Some(captured)
}

/// Adds the captures of a pattern, or returns `None` if it does not match.
fn capture(pattern: &Regex, text: &str, captures: &mut Map<String, Value>) -> Option<()> {
    let found = pattern.captures(text)?;
    for name in pattern.capture_names().flatten() {
        captures.insert(name.to_owned(), json!(found.name(name).map(|part| part.as_str())));
    }
    let all: Vec<_> = found.iter().map(|part| part.map(|part| part.as_str())).collect();
    captures.insert("captures".to_owned(), json!(all));
    Some(())
}

impl Answer {
    /// Renders the templates of a reply. `variables` are the captures of its rule.
    pub fn render(
        reply: Reply,
        mut variables: Map<String, Value>,
        conversation: &Conversation<'_>,
    ) -> Result<Self, Error> {
        let results = conversation.results();
        variables.insert("user".to_owned(), json!(conversation.user_message()));
        variables.insert("result".to_owned(), results.last().cloned().unwrap_or_default());
        variables.insert("results".to_owned(), Value::Array(results));
        let templates = Templates::new(&variables);

        let words = |text: String| text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut pieces = words(templates.text(&reply.text)?);
        let reasoning = words(templates.text(&reply.reasoning)?);
        for piece in &reply.pieces {
            pieces.push(templates.text(piece)?);
        }
        let call = |call: &ToolCall| {
            let arguments = match templates.value(&call.arguments)? {
                Value::String(text) => text,
                arguments => arguments.to_string(),
            };
            Ok(Call { name: call.name.clone(), arguments, id: call.id.clone(), extra: call.extra.clone() })
        };
        let calls = reply.tool_calls.iter().map(call).collect::<Result<_, Error>>()?;
        Ok(Self { pieces, reasoning, calls, reply })
    }
}

struct Templates {
    environment: Environment<'static>,
    variables: minijinja::Value,
}

impl Templates {
    fn new(variables: &Map<String, Value>) -> Self {
        let mut environment = Environment::new();
        // An undefined variable is an error of the script, except in a condition.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        Self { environment, variables: minijinja::value::Serde(variables).into() }
    }

    fn text(&self, template: &str) -> Result<String, Error> {
        self.environment.render_str(template, self.variables.clone()).map_err(|error| template_error(template, &error))
    }

    /// Renders all strings in a value. A string that consists of one expression becomes the value of the expression.
    fn value(&self, template: &Value) -> Result<Value, Error> {
        match template {
            Value::String(text) => match expression(text) {
                Some(expression) => self
                    .environment
                    .compile_expression(expression)
                    .and_then(|expression| expression.eval(self.variables.clone()))
                    .and_then(|value| {
                        serde_json::to_value(value).map_err(|error| {
                            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string())
                        })
                    })
                    .map_err(|error| template_error(text, &error)),
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

/// The expression of a text such as `{{ expression }}`.
fn expression(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{")).then_some(inside)
}

fn template_error(template: &str, error: &minijinja::Error) -> Error {
    Error::Template { template: template.to_owned(), reason: error.to_string() }
}
