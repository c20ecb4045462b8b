//! The MCP server at `/mcp`, which offers the tools, with resources and a prompt, to programs of the user's own. Uses
//! `tools`, `tasks`, `accounts` and the shared rooms.

mod error;
mod handler;
pub mod message;
mod prompts;
mod resources;
mod routes;

pub use routes::{HEADERS, McpState, router};
