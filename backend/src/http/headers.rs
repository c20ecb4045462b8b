//! Request headers that several routes understand, and the `ETag` that belongs to one of them.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use super::error::{Error, Result};

/// The entity tag of a version.
#[expect(clippy::missing_panics_doc, reason = "digits and quotes are always valid in a header")]
pub fn etag(version: i32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("digits and quotes are valid in a header")
}

/// The versions that an `If-Match` header (RFC 9110) accepts; `None` accepts any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<Vec<i32>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut versions = Vec::new();
        let values = parts.headers.get_all(header::IF_MATCH);
        if values.iter().next().is_none() {
            return Ok(Self(None));
        }
        for value in &values {
            let malformed = || Error::BadRequest("If-Match must be * or a list of entity tags such as \"3\".".into());
            for tag in value.to_str().map_err(|_| malformed())?.split(',').map(str::trim) {
                if tag == "*" {
                    return Ok(Self(None));
                }
                // If-Match compares strongly: a weak tag is well-formed but matches nothing.
                let (weak, tag) = tag.strip_prefix("W/").map_or((false, tag), |tag| (true, tag));
                let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(malformed)?;
                // Tags are compared as text: "01" is not "1".
                if let Ok(version) = opaque.parse::<i32>()
                    && version.to_string() == opaque
                    && !weak
                {
                    versions.push(version);
                }
            }
        }
        Ok(Self(Some(versions)))
    }
}

/// The client's name for one piece of work and its retries; `None` when the header is absent.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default();
        if !(1..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// The number of the last event that a client has seen. The header wins over the query parameter, because a browser
/// that reconnects sends a newer number in the header than the one in the address.
pub fn last_event_id(headers: &HeaderMap, in_query: Option<i64>) -> Result<Option<i64>> {
    if in_query.is_some_and(|number| number < 0) {
        return Err(Error::invalid("last_event_id", "must be the id of an event"));
    }
    let Some(value) = headers.get("last-event-id") else { return Ok(in_query) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| Error::invalid("Last-Event-ID", "must be the id of an event"))
}
