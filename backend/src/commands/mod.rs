//! The commands of the program that do not serve.

pub mod check;
pub mod mcp;
pub mod smoke;
