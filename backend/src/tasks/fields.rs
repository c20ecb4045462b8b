//! The rules of a task's fields, the same for every way in.

use crate::http::error::FieldError;

/// A new task whose fields keep the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub title: String,
    pub description: String,
}

impl Draft {
    pub fn new(title: &str, description: &str) -> Result<Self, Vec<FieldError>> {
        match (check_title(title), check_description(description)) {
            (Ok(title), Ok(description)) => Ok(Self { title, description }),
            (title, description) => Err([title.err(), description.err()].into_iter().flatten().collect()),
        }
    }
}

/// Trimmed, 1–200 characters, on one line.
pub fn check_title(title: &str) -> Result<String, FieldError> {
    let title = title.trim();
    if !(1..=200).contains(&title.chars().count()) {
        return Err(FieldError::new("title", "must be 1 to 200 characters, not counting space around it"));
    }
    if title.chars().any(char::is_control) {
        return Err(FieldError::new("title", "must not contain line breaks or other control characters"));
    }
    Ok(title.to_owned())
}

/// At most 1,000 characters; line breaks are welcome.
pub fn check_description(description: &str) -> Result<String, FieldError> {
    if description.chars().count() > 1000 {
        return Err(FieldError::new("description", "must be at most 1000 characters"));
    }
    // The one character that PostgreSQL cannot store.
    if description.contains('\0') {
        return Err(FieldError::new("description", "must not contain the NUL character"));
    }
    Ok(description.to_owned())
}
