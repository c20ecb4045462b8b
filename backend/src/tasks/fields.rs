//! The rules of a task's title and description, the same for every way in, and what the API document says of them.

use utoipa::openapi::{Object, schema::SchemaType, schema::Type};

use crate::validation::{
    FieldError,
    text::{non_blank_line_schema, text_schema},
};

/// Longest title, in characters.
pub const MAX_TITLE_CHARACTERS: usize = 200;
/// Longest description, in characters.
pub const MAX_DESCRIPTION_CHARACTERS: usize = 1000;

/// A new task whose fields keep the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub title: String,
    pub description: String,
}

impl Draft {
    /// The error has every rule that a field breaks.
    pub fn new(title: &str, description: &str) -> Result<Self, Vec<FieldError>> {
        match (check_title(title), check_description(description)) {
            (Ok(title), Ok(description)) => Ok(Self { title, description }),
            (title, description) => Err([title.err(), description.err()].into_iter().flatten().collect()),
        }
    }
}

/// The title without space around it: 1 to 200 characters on one line.
pub fn check_title(title: &str) -> Result<String, FieldError> {
    let title = title.trim();
    if !(1..=MAX_TITLE_CHARACTERS).contains(&title.chars().count()) {
        return Err(FieldError::new("title", "must be 1 to 200 characters, not counting space around it"));
    }
    if title.chars().any(char::is_control) {
        return Err(FieldError::new("title", "must not contain line breaks or other control characters"));
    }
    Ok(title.to_owned())
}

/// The description: at most 1,000 characters, which may be line breaks.
pub fn check_description(description: &str) -> Result<String, FieldError> {
    if description.chars().count() > MAX_DESCRIPTION_CHARACTERS {
        return Err(FieldError::new("description", "must be at most 1000 characters"));
    }
    // PostgreSQL cannot store this one character.
    if description.contains('\0') {
        return Err(FieldError::new("description", "must not contain the NUL character"));
    }
    Ok(description.to_owned())
}

pub fn title_schema() -> Object {
    non_blank_line_schema(MAX_TITLE_CHARACTERS)
}

pub fn description_schema() -> Object {
    text_schema(MAX_DESCRIPTION_CHARACTERS).build()
}

/// For a merge patch, where `null` empties the description.
pub fn nullable_description_schema() -> Object {
    let types = SchemaType::from_iter([Type::String, Type::Null]);
    text_schema(MAX_DESCRIPTION_CHARACTERS).schema_type(types).build()
}
