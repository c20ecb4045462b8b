//! What a model's server writes about an error: in which places, and how much of it a user may read.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Longest message that is shown, in characters.
const MAX_CHARACTERS: usize = 200;
/// Keys of providers begin so.
const KEY_PREFIXES: [&str; 7] = ["sk-", "sk_", "pk-", "AIza", "gsk_", "hf_", "xai-"];
/// Letters and digits in a row that are no word and no number, but a key.
const KEY_CHARACTERS: usize = 16;

#[derive(Default)]
pub struct Refusal {
    /// The server's name for its error, such as `model_not_found`.
    pub name: Option<String>,
    pub message: Option<String>,
}

impl Refusal {
    /// From the body of an answer with an error's status: JSON in one of the forms that servers use, or a line of text.
    pub fn of_body(body: &str, key: Option<&SecretString>) -> Self {
        match serde_json::from_str(body) {
            Ok(body) => Self::of_error(&body, key),
            Err(_) => Self { name: None, message: shown(body, key) },
        }
    }

    /// From an error's object, or one that contains it.
    pub fn of_error(error: &Value, key: Option<&SecretString>) -> Self {
        match error {
            Value::String(text) => Self { name: None, message: shown(text, key) },
            Value::Array(items) => items.first().map(|item| Self::of_error(item, key)).unwrap_or_default(),
            Value::Object(fields) => {
                let inner = fields.get("error").map(|error| Self::of_error(error, key)).unwrap_or_default();
                let texts = ["message", "detail", "msg"].iter().filter_map(|name| fields.get(*name));
                let message =
                    inner.message.or_else(|| texts.into_iter().find_map(|text| Self::of_error(text, key).message));
                Self { name: inner.name.or_else(|| safe_name(error)), message }
            }
            _ => Self::default(),
        }
    }
}

/// A text with the key removed, for the log.
pub fn without_key(text: &str, key: Option<&SecretString>) -> String {
    match key.map(ExposeSecret::expose_secret) {
        Some(key) if !key.is_empty() => text.replace(key, "…"),
        _ => text.to_owned(),
    }
}

/// The beginning of a message in one line, without words that may be keys or addresses. A page of HTML says nothing.
fn shown(text: &str, key: Option<&SecretString>) -> Option<String> {
    if text.trim_start().starts_with('<') {
        return None;
    }
    let text = without_key(text, key);
    let words: Vec<_> = text.split_whitespace().map(hide_secret).collect();
    let text: String = words.join(" ").chars().filter(|character| !character.is_control()).collect();
    let end = text.char_indices().nth(MAX_CHARACTERS).map(|(end, _)| end);
    match end {
        Some(end) => Some(format!("{}…", &text[..end])),
        None => (!text.is_empty()).then_some(text),
    }
}

/// The word, or in place of its secret part `…`.
fn hide_secret(word: &str) -> String {
    let inner = word.trim_matches(|character: char| !character.is_alphanumeric() && character != '…');
    let like_key = |run: &str| {
        run.len() >= KEY_CHARACTERS
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let is_address = inner.contains("://") || inner.contains('@') || inner.parse::<std::net::SocketAddr>().is_ok();
    let is_secret = is_address
        || inner.parse::<std::net::IpAddr>().is_ok()
        || inner.contains("**")
        || KEY_PREFIXES.iter().any(|prefix| inner.starts_with(prefix))
        || inner.split(|character: char| !character.is_ascii_alphanumeric()).any(like_key);
    if is_secret { word.replacen(inner, "…", 1) } else { word.to_owned() }
}

/// The server's name for its error, which helps to find the cause. It is taken only in a form that neither keys nor
/// texts have.
fn safe_name(error: &Value) -> Option<String> {
    ["code", "type"].iter().find_map(|field| {
        let name = error.get(field)?.as_str()?;
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        (plain && (1..=40).contains(&name.len())).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_names_are_repeated() {
        assert_eq!(safe_name(&json!({ "code": "model_not_found" })).as_deref(), Some("model_not_found"));
        assert_eq!(safe_name(&json!({ "code": null, "type": "server_error" })).as_deref(), Some("server_error"));
        for name in ["sk-abc", "Incorrect API key", "", "key1"] {
            assert_eq!(safe_name(&json!({ "code": name })), None, "{name}");
        }
    }

    #[test]
    fn secrets_are_hidden_and_names_of_models_are_not() {
        let key = SecretString::from("the-key");
        for (text, expected) in [
            ("key: sk-1234, other", "key: …, other"),
            ("is the-key right?", "is … right?"),
            ("at http://u:p@10.0.0.1/v1.", "at …."),
            ("at 10.0.0.1:80 or 10.0.0.1", "at … or …"),
            ("org-9Zx8Yw7Vu6Ts5Rq4Po3 is blocked", "… is blocked"),
            ("ab***yz", "…"),
            ("gpt-4o-mini-2024-07-18 has 8192 tokens", "gpt-4o-mini-2024-07-18 has 8192 tokens"),
            ("Tool call id was call_3 but must be a-z", "Tool call id was call_3 but must be a-z"),
        ] {
            assert_eq!(shown(text, Some(&key)).as_deref(), Some(expected));
        }
        assert_eq!(shown(" <html>", None), None);
    }
}
