//! The model, asked by a plain HTTP client that looks at each byte.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod demo;
mod faults;
mod gates;
mod history;
mod program;
mod rules;
mod support;
mod wire;
