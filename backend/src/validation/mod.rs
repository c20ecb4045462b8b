//! Rules for what comes from outside, and how a broken one is reported: no HTTP, no database, nothing else of ours.

mod field_error;
pub mod json;
pub mod text;
mod time;

pub use field_error::{FieldError, describe};
pub use time::year_in_utc;
