//! Keyset pagination: a page ends with a cursor that names the place after its last row, so that pages stay stable
//! while rows come and go.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use crate::validation::{FieldError, year_in_utc};

/// Years that both PostgreSQL and RFC 3339 can express.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The cursor of the next page; `None` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of `limit` rows out of `limit + 1`: the extra row only shows that there is another page.
    /// `position` gives the place after a row.
    ///
    /// # Panics
    /// When the place is of a type that JSON cannot express.
    pub fn new<C: Serialize>(mut rows: Vec<T>, limit: i64, position: impl FnOnce(&T) -> C) -> Self {
        let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if has_more {
            rows.pop();
        }
        let next_cursor = rows.last().filter(|_| has_more).map(|row| encode_cursor(&position(row)));
        Self { rows, next_cursor }
    }
}

/// Checks the number of rows that a client asks for.
pub fn check_limit(limit: i64, max: i64) -> Result<(), FieldError> {
    if (1..=max).contains(&limit) { Ok(()) } else { Err(FieldError::new("limit", format!("must be 1 to {max}"))) }
}

/// Writes a cursor.
///
/// # Panics
/// When the place is of a type that JSON cannot express.
pub fn encode_cursor(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("a cursor is always valid JSON"))
}

/// Reads a cursor. `None` for a text that [`Page::new`] did not make.
pub fn decode_cursor<C: DeserializeOwned>(cursor: &str) -> Option<C> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// Whether PostgreSQL can compare with this time, which a client may have written into a cursor.
pub fn is_comparable(time: OffsetDateTime) -> bool {
    year_in_utc(time).is_some_and(|year| YEARS.contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_with_another_after_it_has_a_cursor() {
        let page = Page::new(vec![1, 2, 3], 2, |row| *row);
        assert_eq!(page.rows, [1, 2]);
        assert_eq!(decode_cursor(&page.next_cursor.unwrap()), Some(2));
        let page = Page::new(vec![1, 2], 2, |row| *row);
        assert_eq!((page.rows, page.next_cursor), (vec![1, 2], None));
        assert_eq!(decode_cursor::<i32>("no cursor"), None);
    }
}
