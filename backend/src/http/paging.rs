//! What lists share that come page by page and can be searched.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::error::{Error, Result};

/// The place after a page's last entry, as a text that clients hand back.
///
/// # Panics
/// When the place is of a type that JSON cannot hold.
pub fn encode_cursor(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).expect("a cursor is always valid JSON"))
}

/// `None` for what no page has given.
pub fn decode_cursor<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The text to search for in the parameter `q`.
pub fn search_text(q: &str) -> Result<&str> {
    let text = q.trim();
    if text.chars().count() > 200 || text.contains('\0') {
        return Err(Error::invalid("q", "must be at most 200 characters, without the NUL character"));
    }
    Ok(text)
}
