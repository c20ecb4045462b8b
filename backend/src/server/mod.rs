//! Puts the features together: configuration, state, router, start and stop.

pub mod cleanup;
pub mod config;
pub mod health;
pub mod openapi;
pub mod router;
pub mod serve;
pub mod state;
