//! Tasks for language models: the tools, which the chat uses as well, and the MCP server that offers them, with
//! resources and a prompt, to programs of the user's own.

mod http;
mod prompts;
mod resources;
mod server;
pub mod stdio;
pub mod tools;

pub use http::router;
