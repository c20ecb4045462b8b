//! Refuses requests that real servers refuse, so that a client which sends them fails in tests.

use std::collections::HashSet;

use serde_json::Value;

use crate::script::Provider;

/// Checks a request for an answer. The error has the path of the invalid part and the reason.
pub fn validate(request: &Value, provider: Option<Provider>) -> Result<(), String> {
    if request["model"].as_str().is_none_or(str::is_empty) {
        return Err("model: a name is needed".to_owned());
    }
    let messages = request["messages"].as_array().filter(|messages| !messages.is_empty());
    let messages = messages.ok_or("messages: at least one is needed")?;
    validate_messages(messages)?;
    if let Some(provider) = provider {
        validate_for(provider, messages)?;
    }
    match &request["tools"] {
        Value::Null => Ok(()),
        Value::Array(tools) if !tools.is_empty() => validate_tools(tools),
        _ => Err("tools: at least one is needed, or none at all".to_owned()),
    }
}

/// Checks that each tool call has its result before any other message, and that each result has a call.
fn validate_messages(messages: &[Value]) -> Result<(), String> {
    let mut pending: HashSet<&str> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        let error = |reason: &str| format!("messages[{index}]: {reason}");
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !pending.remove(id) {
                return Err(error(&format!("tool_call_id {id:?} is of no call that waits for its result")));
            }
        } else if let Some(id) = pending.iter().next() {
            return Err(error(&format!("the tool call {id:?} before it has no result")));
        }
        let has_content = message["content"].is_string() || message["content"].is_array();
        match role {
            "assistant" => {
                let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
                if !has_content && calls.is_empty() {
                    return Err(error("neither content nor tool_calls"));
                }
                for call in calls {
                    pending.insert(validate_tool_call(call).map_err(error)?);
                }
            }
            "system" | "developer" | "user" | "tool" if has_content => {}
            "system" | "developer" | "user" | "tool" => return Err(error("content: a text is needed")),
            _ => return Err(error(&format!("role {role:?} is unknown"))),
        }
    }
    match pending.iter().next() {
        Some(id) => Err(format!("messages: the tool call {id:?} has no result")),
        None => Ok(()),
    }
}

/// Checks what only this provider requires, with the words of its refusals.
fn validate_for(provider: Provider, messages: &[Value]) -> Result<(), String> {
    let question = messages.iter().rposition(|message| message["role"] == "user").unwrap_or_default();
    for (index, message) in messages.iter().enumerate().filter(|(_, message)| message["role"] == "assistant") {
        let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
        let must_be_back = index > question && !calls.is_empty();
        match provider {
            Provider::Mistral => {
                let ids = calls.iter().filter_map(|call| call["id"].as_str());
                let allowed = |id: &&str| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if let Some(id) = ids.into_iter().find(|id| !allowed(id)) {
                    let rule = "must be a-z, A-Z, 0-9, with a length of 9.";
                    return Err(format!("Tool call id was {id} but {rule}"));
                }
            }
            Provider::Gemini => {
                if must_be_back && !calls[0]["extra_content"]["google"]["thought_signature"].is_string() {
                    return Err("Function call is missing a thought_signature in functionCall parts.".to_owned());
                }
            }
            Provider::DeepSeek => {
                let has_reasoning = message["reasoning_content"].is_string();
                if must_be_back && !has_reasoning {
                    return Err(format!("Missing `reasoning_content` field in the assistant message at index {index}"));
                }
                if index < question && has_reasoning {
                    return Err(format!("messages[{index}]: reasoning_content of an earlier turn"));
                }
            }
        }
    }
    Ok(())
}

/// Checks a tool call, and returns its id.
fn validate_tool_call(call: &Value) -> Result<&str, &'static str> {
    let id = call["id"].as_str().filter(|id| !id.is_empty()).ok_or("tool_calls: an id is needed")?;
    if call["type"] != "function" || !is_name(&call["function"]["name"]) {
        return Err("tool_calls: a function with a name is needed");
    }
    // Some servers parse the arguments of earlier calls, and answer 400 or 500 if they are no object.
    let arguments = call["function"]["arguments"].as_str().map(serde_json::from_str::<Value>);
    match arguments {
        Some(Ok(Value::Object(_))) => Ok(id),
        _ => Err("tool_calls: the arguments are not an object in JSON"),
    }
}

fn validate_tools(tools: &[Value]) -> Result<(), String> {
    let mut names = HashSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let function = &tool["function"];
        if tool["type"] != "function" || !is_name(&function["name"]) {
            return Err(format!("tools[{index}]: a function with a name of a-z, A-Z, 0-9, _ and - is needed"));
        }
        if !names.insert(function["name"].as_str()) {
            return Err(format!("tools[{index}]: a second tool of this name"));
        }
        if !function["parameters"].is_null() && function["parameters"]["type"] != "object" {
            return Err(format!("tools[{index}]: the parameters are not the schema of an object"));
        }
    }
    Ok(())
}

fn is_name(name: &Value) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    name.as_str().is_some_and(|name| (1..=64).contains(&name.len()) && name.chars().all(allowed))
}
