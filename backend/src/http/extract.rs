//! Extractors that refuse what they do not know and say which field is wrong.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::error::{Error, Result};
use crate::validation::json::{field_error, from_value};

/// Largest request body, in bytes, except for imports.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON body, in and out.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if content_type(&request).as_deref() != Some("application/json") {
            return Err(Error::UnsupportedMediaType("application/json"));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| body_error(&error, MAX_BODY_BYTES))?;
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

/// What to answer when a body could not be read; `limit` is in bytes.
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
    Ok(from_value(value)?)
}

/// Query parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| field_error(&error).into())
    }
}

/// The id in a path. A text that is not an id names nothing: 404.
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

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only parsed")]
    struct Sample {
        title: String,
    }

    #[test]
    fn what_is_not_json_is_a_bad_request() {
        for body in ["", "{", r#"{"title":"a"} x"#, "\u{0}"] {
            assert!(matches!(parse_json::<Sample>(body.as_bytes()), Err(Error::BadRequest(_))), "{body}");
        }
    }

    #[test]
    fn json_of_another_shape_breaks_a_rule() {
        let error = parse_json::<Sample>(b"{}").unwrap_err();
        assert_eq!(error.to_string(), "title is required.");
    }
}
