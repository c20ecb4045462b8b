//! Reads JSON-RPC messages, and says what is wrong with one that it refuses.
//!
//! The SDK answers 415 to a body that is no message and nothing to such a line, and takes a request whose parameters do
//! not fit for one of an unknown method. Tests here and in `routes` show what the SDK does; when one of them fails, the
//! part that it is about can go.

use rmcp::model::{
    CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, ErrorData, GetPromptRequestParams,
    InitializeRequestParams, JsonRpcError, ReadResourceRequestParams, RequestId,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::validation::{FieldError, describe, json::from_value};

type CheckParams = fn(Value) -> Result<(), FieldError>;

/// The methods that need parameters, and how these are read.
const METHODS: [(&str, CheckParams); 4] = [
    ("initialize", check::<InitializeRequestParams>),
    ("tools/call", check::<CallToolRequestParams>),
    ("resources/read", check::<ReadResourceRequestParams>),
    ("prompts/get", check::<GetPromptRequestParams>),
];

/// Reads one message. The error is the answer to something else.
pub fn read(text: &[u8]) -> Result<ClientJsonRpcMessage, JsonRpcError> {
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| refusal(None, ErrorData::parse_error(format!("This is not JSON: {error}."), None)))?;
    let invalid = |id: Option<&RequestId>, detail: &'static str| refusal(id, ErrorData::invalid_request(detail, None));
    if !value.is_object() {
        return Err(invalid(None, "This is not one JSON object. A batch of messages is not supported."));
    }
    let id = value.get("id").map(RequestId::deserialize).transpose();
    let id = id.map_err(|_| invalid(None, "The id of a request must be a text or an integer."))?;
    if value.get("params").is_some_and(|params| !params.is_object() && !params.is_null()) {
        return Err(refusal(id.as_ref(), invalid_params(FieldError::new("params", "must be a JSON object"))));
    }
    let message = ClientJsonRpcMessage::deserialize(&value).map_err(|_| {
        let detail =
            "This is not a message of JSON-RPC 2.0: it must have `jsonrpc`, and `method`, `result` or `error`.";
        invalid(id.as_ref(), detail)
    })?;
    match &message {
        ClientJsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::CustomRequest(_)) => {
            let params = value.get("params").cloned().unwrap_or_default();
            check_params(request.request.method(), params).map_err(|error| refusal(id.as_ref(), error))?;
        }
        _ => {}
    }
    Ok(message)
}

/// Refuses a request which the SDK could not read, if its method is one that needs parameters.
fn check_params(method: &str, params: Value) -> Result<(), ErrorData> {
    let Some((_, check)) = METHODS.iter().find(|(known, _)| *known == method) else { return Ok(()) };
    let error = check(params).err().unwrap_or_else(|| FieldError::new("params", "do not fit the method"));
    Err(invalid_params(error))
}

fn check<T: DeserializeOwned>(params: Value) -> Result<(), FieldError> {
    let params = if params.is_null() { Value::Object(Map::new()) } else { params };
    from_value::<T>(params).map(drop)
}

fn invalid_params(error: FieldError) -> ErrorData {
    let errors = [error];
    ErrorData::invalid_params(describe(&errors), Some(json!({ "errors": errors })))
}

fn refusal(id: Option<&RequestId>, error: ErrorData) -> JsonRpcError {
    JsonRpcError::new(id.cloned(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When this fails, `METHODS` can go.
    #[test]
    fn the_sdk_takes_wrong_parameters_for_an_unknown_method() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#;
        let ClientJsonRpcMessage::Request(request) = serde_json::from_str(call).unwrap() else { panic!("a request") };
        assert!(matches!(request.request, ClientRequest::CustomRequest(_)));
    }

    #[test]
    fn the_answer_has_the_id_if_there_is_one() {
        for (text, id, code) in [
            ("{bad", None, -32700),
            ("[]", None, -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, None, -32600),
            (r#"{"jsonrpc":"2.0","id":"a"}"#, Some("a"), -32600),
            (r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{}}"#, Some("a"), -32602),
        ] {
            let refused = read(text.as_bytes()).unwrap_err();
            assert_eq!((refused.id, refused.error.code.0), (id.map(|id| RequestId::String(id.into())), code), "{text}");
        }
        for text in [r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, r#"{"jsonrpc":"2.0","method":"x"}"#] {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
