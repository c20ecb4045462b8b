//! Extractors that refuse what they do not know and say which field is wrong.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::error::{Error, FieldError, Result};

/// Largest request body, in bytes, except for imports.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A JSON body, in and out.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if content_type(&request).as_deref() != Some("application/json") {
            return Err(Error::UnsupportedMediaType("application/json"));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| body_error(&error, BODY_LIMIT))?;
        parse_json(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The media type of a request in lower case, without its parameters.
pub fn content_type(request: &Request) -> Option<String> {
    let value = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|media_type| media_type.trim().to_ascii_lowercase())
}

/// What to answer when a body could not be read.
pub fn body_error(error: &BytesRejection, limit: usize) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::PayloadTooLarge { limit }
    } else {
        Error::BadRequest("The request body could not be read.".into())
    }
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let value = serde_json::from_slice(body)
        .map_err(|error| Error::BadRequest(format!("The body is not valid JSON: {error}.")))?;
    from_value(value).map_err(|error| Error::Validation(vec![error]))
}

/// Reads an object, or tells which field is wrong.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, FieldError> {
    // serde would take an array as the fields in their order.
    if !value.is_object() {
        return Err(FieldError::new("body", "must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| field_error(&error))
}

/// Reads the field and the rule out of serde's words, which name a missing or unknown field only in the message.
fn field_error(error: &serde_path_to_error::Error<impl std::error::Error>) -> FieldError {
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

/// Query parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| Error::Validation(vec![field_error(&error)]))
    }
}

/// The id in a path. Whatever is not an id names nothing: 404.
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::<Uuid>::from_request_parts(parts, state).await;
        path.map(|id| Self(id.0)).map_err(|_| Error::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::accounts::account::present;

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
        for (body, expected) in [
            (r"{}", "title is required."),
            (r#"{"title":"a","color":1}"#, "color is not a known field."),
            (r#"{"title":7}"#, "title is not valid: invalid type: integer `7`, expected a string."),
            (r#"{"title":"a","ids":[1,"x"]}"#, r#"ids[1] is not valid: invalid type: string "x", expected u8."#),
            (r#" ["a"]"#, "body must be a JSON object."),
            ("null", "body must be a JSON object."),
            (r#"{"title":"a","ids":7}"#, "ids is not valid: invalid type: integer `7`, expected a sequence."),
            (r#"{"title":"a","kind":null}"#, "kind is not valid: invalid type: null, expected string or map."),
        ] {
            assert_eq!(parse_json::<Sample>(body.as_bytes()).unwrap_err().to_string(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_a_bad_request() {
        for body in ["", "{", r#"{"title":"a"} x"#, "\u{0}"] {
            assert!(matches!(parse_json::<Sample>(body.as_bytes()), Err(Error::BadRequest(_))), "{body}");
        }
    }
}
