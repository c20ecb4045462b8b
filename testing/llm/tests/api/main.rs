//! Tests of the model by an HTTP client without knowledge of the protocol.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod completion;
mod demo;
mod faults;
mod gates;
mod program;
mod rules;
mod support;
mod validation;
