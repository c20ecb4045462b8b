//! `ETag` and `If-Match` (RFC 9110): the version of a task, so that two tabs cannot overwrite each other unseen.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::error::{Error, Result};

/// The entity tag of a version.
#[expect(clippy::missing_panics_doc, reason = "digits and quotes are always valid in a header")]
pub fn etag(version: i32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("digits and quotes are valid in a header")
}

/// The versions an `If-Match` header accepts; `None` accepts any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<Vec<i32>>);

impl IfMatch {
    pub fn accepts(&self, version: i32) -> bool {
        self.0.as_ref().is_none_or(|versions| versions.contains(&version))
    }
}

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
