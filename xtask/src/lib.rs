//! The `xtask` program: what a person who changes this repository runs.
//!
//! Start with the subcommands, one module each: [`mod@test`], [`prepare`], and [`boxes`] for `box`. The other modules
//! are for the tests, those of `e2e` included:
//!
//! - [`monitoring`]: the dashboards, what they look like, and Prometheus's answers
//! - [`questions`]: the questions that `docs/aiops.md` answers
//!
//! Whatever the `todo` program needs as well is in the crate `todo`, which knows nothing of this one.

pub mod boxes;
pub mod monitoring;
pub mod prepare;
pub mod questions;
pub mod test;
