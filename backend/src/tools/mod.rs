//! The tools with which language models use the tasks, defined once for the chat and for MCP clients. Uses `tasks` and
//! the shared rooms.
//!
//! Whose tasks they work on is never an argument: the caller knows it from a session or a token.

mod add;
mod arguments;
mod catalog;
mod complete;
mod delete;
mod error;
mod list;
mod lookup;
mod many;
mod schema;
pub mod tokens;
mod tool;
mod update;

pub use catalog::{Done, Source, TOOLS, Tools, find, find_target};
pub use error::{Candidate, Error, ToolError};
pub use tool::{Target, Tool};
