use serde::Serialize;
use utoipa::ToSchema;

/// Longest name of a field in an error, in characters. The name of an unknown field may be as long as a request.
const MAX_FIELD_CHARACTERS: usize = 100;
/// Longest rule, in characters. It may repeat the value that breaks it.
const MAX_RULE_CHARACTERS: usize = 300;

/// A rule that a field breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field as the client sent it.
    pub field: String,
    /// The rule, readable after the field's name: "must be 1 to 200 characters".
    pub rule: String,
    /// Line of the CSV file, or number of the entry in the JSON array, counted from 1. Imports only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl FieldError {
    /// Shortens what is too long, because both may repeat what a client sent.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: shortened(field.into(), MAX_FIELD_CHARACTERS),
            rule: shortened(rule.into(), MAX_RULE_CHARACTERS),
            line: None,
        }
    }

    /// The same error, found on this line of an imported file.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }
}

fn shortened(text: String, max_characters: usize) -> String {
    match text.char_indices().nth(max_characters) {
        // The copy does not keep the memory of the long text.
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// One sentence about the first error, which also counts the others.
pub fn describe(errors: &[FieldError]) -> String {
    let sentence = |error: &FieldError| match error.line {
        Some(line) => format!("line {line}: {} {}", error.field, error.rule),
        None => format!("{} {}", error.field, error.rule),
    };
    match errors {
        [] => "Something in the request is not valid.".to_owned(),
        [only] => format!("{}.", sentence(only)),
        [first, rest @ ..] => format!("{}; and {} more.", sentence(first), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_a_long_text() {
        let error = FieldError::new("é".repeat(100_000), "x".repeat(100_000));
        assert_eq!((error.field, error.rule), ("é".repeat(100) + "…", "x".repeat(300) + "…"));
        let error = FieldError::new("é".repeat(100), "x".repeat(300));
        assert_eq!((error.field, error.rule), ("é".repeat(100), "x".repeat(300)));
    }

    #[test]
    fn the_first_error_is_described_and_the_others_are_counted() {
        let title = FieldError::new("title", "is required");
        let cell = FieldError::new("status", "is not known").at_line(7);
        assert_eq!(describe(&[]), "Something in the request is not valid.");
        assert_eq!(describe(std::slice::from_ref(&cell)), "line 7: status is not known.");
        assert_eq!(describe(&[title, cell]), "title is required; and 1 more.");
    }
}
