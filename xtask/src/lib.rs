//! The `xtask` program, which contributors to this repository run.
//!
//! Each subcommand has a module: [`mod@test`], [`prepare`], [`mod@bench`], and [`boxes`] for `box`. The other modules
//! are for the tests, including those of `e2e`:
//!
//! - [`monitoring`]: the dashboards, pictures of them, and the HTTP API of Prometheus
//! - [`questions`]: the questions that `docs/aiops.md` answers
//!
//! Code that the `todo` program also needs is in the crate `todo`, which does not depend on this one.

pub mod bench;
pub mod boxes;
pub mod monitoring;
pub mod prepare;
pub mod questions;
pub mod test;
