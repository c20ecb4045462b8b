//! Rules for text that several features share. Lengths count characters (Unicode scalar values), not bytes.

use utoipa::openapi::{
    Object, ObjectBuilder,
    schema::{SchemaType, Type},
};

use super::field_error::FieldError;

/// Longest text to search for.
pub const MAX_SEARCH_CHARACTERS: usize = 200;

/// Regular expression (ECMA-262) of a text on one line that is not only space. Control characters (C0, DEL, C1) are
/// not allowed.
const NON_BLANK_LINE_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// Regular expression of a text on one line that may be empty.
const LINE_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// Regular expression of a text without the one character that PostgreSQL cannot store.
const WITHOUT_NUL_PATTERN: &str = r"^[^\x00]*$";

/// Schema of a text on one line with 1 to `max_characters`, not counting space around it.
pub fn non_blank_line_schema(max_characters: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(max_characters))
        .pattern(Some(NON_BLANK_LINE_PATTERN))
        .build()
}

/// Schema of a text of at most `max_characters` that may have line breaks.
pub fn text_schema(max_characters: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(max_characters)).pattern(Some(WITHOUT_NUL_PATTERN))
}

/// Schema of an optional text on one line with at most `max_characters`.
pub fn optional_line_schema(max_characters: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .max_length(Some(max_characters))
        .pattern(Some(LINE_PATTERN))
        .build()
}

/// The text to search for in the parameter `q`, without space around it.
pub fn check_search(q: &str) -> Result<&str, FieldError> {
    let text = q.trim();
    if text.chars().count() > MAX_SEARCH_CHARACTERS || text.contains('\0') {
        return Err(FieldError::new("q", "must be at most 200 characters, without the NUL character"));
    }
    Ok(text)
}
