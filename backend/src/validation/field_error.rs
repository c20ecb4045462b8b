use serde::Serialize;
use utoipa::ToSchema;

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
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), line: None }
    }

    /// The same error, found on this line of an imported file.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
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
    fn the_first_error_is_described_and_the_others_are_counted() {
        let title = FieldError::new("title", "is required");
        let cell = FieldError::new("status", "is not known").at_line(7);
        assert_eq!(describe(&[]), "Something in the request is not valid.");
        assert_eq!(describe(std::slice::from_ref(&cell)), "line 7: status is not known.");
        assert_eq!(describe(&[title, cell]), "title is required; and 1 more.");
    }
}
