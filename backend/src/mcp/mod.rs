//! Stands in for the tools until they are there.

pub mod tools {
    use serde::Serialize;
    use serde_json::{Map, Value};
    use uuid::Uuid;

    pub struct Tool {
        pub name: &'static str,
        pub description: &'static str,
        pub input: fn() -> Map<String, Value>,
        pub destructive: bool,
    }

    pub enum Source {
        Chat,
    }

    #[derive(Serialize)]
    pub struct ToolError {
        error: &'static str,
    }

    pub const TOOLS: &[Tool] = &[];

    pub fn find(name: &str) -> Option<&'static Tool> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    pub async fn call(
        _: &crate::state::AppState,
        _: Source,
        _: Uuid,
        _: &str,
        _: Value,
    ) -> crate::Result<Result<Value, ToolError>> {
        Ok(Err(ToolError { error: "unknown_tool" }))
    }
}
