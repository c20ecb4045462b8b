//! Reading JSON objects so that an error names the field that is wrong.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::field_error::FieldError;

/// Reads an object. The error names the first field that is wrong.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, FieldError> {
    // serde would accept an array as the fields in their order.
    if !value.is_object() {
        return Err(FieldError::new("body", "must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| field_error(&error))
}

/// Takes the field and the rule out of serde's message, which alone names a missing or unknown field.
pub fn field_error(error: &serde_path_to_error::Error<impl std::error::Error>) -> FieldError {
    let (path, message) = (error.path().to_string(), error.inner().to_string());
    let named = message.split('`').nth(1).unwrap_or_default();
    let parent = || match path.as_str() {
        "." => named.to_owned(),
        _ if path.ends_with(named) => path.clone(),
        _ => format!("{path}.{named}"),
    };
    if message.starts_with("missing field") {
        FieldError::new(parent(), "is required")
    } else if message.starts_with("unknown field") {
        FieldError::new(parent(), "is not a known field")
    } else if message.starts_with("duplicate field") {
        FieldError::new(parent(), "must be given once")
    } else {
        FieldError::new(path, format!("is not valid: {message}"))
    }
}

/// For `deserialize_with` on an optional field of a merge patch: `null` becomes `Some`, so that only a field that is
/// absent is `None`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Sample {
        title: String,
        ids: Option<Vec<u8>>,
        #[serde(default, deserialize_with = "present")]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {}

    #[test]
    fn the_field_and_the_rule_are_named() {
        for (body, field, rule) in [
            (r"{}", "title", "is required"),
            (r#"{"title":"a","color":1}"#, "color", "is not a known field"),
            (r#"{"title":7}"#, "title", "is not valid: invalid type: integer `7`, expected a string"),
            (r#"{"title":"a","ids":[1,"x"]}"#, "ids[1]", r#"is not valid: invalid type: string "x", expected u8"#),
            (r#" ["a"]"#, "body", "must be a JSON object"),
            ("null", "body", "must be a JSON object"),
            (r#"{"title":"a","ids":7}"#, "ids", "is not valid: invalid type: integer `7`, expected a sequence"),
            (r#"{"title":"a","kind":null}"#, "kind", "is not valid: invalid type: null, expected string or map"),
        ] {
            let value = serde_json::from_str(body).unwrap();
            assert_eq!(from_value::<Sample>(value).unwrap_err(), FieldError::new(field, rule), "{body}");
        }
    }
}
