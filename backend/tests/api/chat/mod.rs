//! The chat, with a model that plays a script.

mod following;
mod odd_models;
mod replicas;
pub mod support;
mod talking;
mod tools;
