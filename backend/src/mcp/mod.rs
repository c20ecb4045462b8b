//! Tasks for language models: the tools, which the chat uses as well, and the MCP server that offers them.

pub mod tools;
