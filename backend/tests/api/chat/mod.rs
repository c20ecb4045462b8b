//! The chat, with a model whose replies come from a script.

mod ends;
mod fencing;
mod habits;
mod limits;
mod model_errors;
mod prompt;
mod replicas;
mod streams;
pub mod support;
mod tools;
mod turns;
