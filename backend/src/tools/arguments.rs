//! The arguments of a call, as models write them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::validation::{FieldError, json::from_value};

pub fn read<T: DeserializeOwned>(mut arguments: Value) -> Result<T, FieldError> {
    // Some models send no arguments at all for a tool that needs none.
    if arguments.is_null() {
        arguments = Value::Object(Map::new());
    }
    shorten_whole_numbers(&mut arguments);
    from_value(arguments).map_err(|mut error| {
        if error.field == "body" {
            "arguments".clone_into(&mut error.field);
        }
        error
    })
}

/// Makes `5` of `5.0`, which JSON Schema takes for an integer as well, but serde does not.
fn shorten_whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // It has a fraction or an exponent if it is no integer for `serde_json`.
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(integer) = whole.and_then(|float| format!("{float:.0}").parse::<i64>().ok()) {
                *value = integer.into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten_whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(shorten_whole_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_integers() {
        let mut value = json!({ "a": [5.0, 5.5, -2e3, 7], "b": 1e300, "c": "5.0" });
        shorten_whole_numbers(&mut value);
        assert_eq!(value, json!({ "a": [5, 5.5, -2000, 7], "b": 1e300, "c": "5.0" }));
    }
}
