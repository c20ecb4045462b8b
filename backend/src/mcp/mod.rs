//! The MCP server that offers the tools, with resources and a prompt, to programs of the user's own.

mod http;
mod prompts;
mod resources;
mod server;

pub use http::router;
