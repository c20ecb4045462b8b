//! Live changes of a user's own tasks as server-sent events, from every replica. Uses `tasks`, `accounts` and the
//! shared rooms.
//!
//! Triggers in the database number each user's changes in commit order (table `task_events`) and notify the channel
//! `wake` with the user's id.

mod changes;
mod pages;
mod routes;

pub use changes::{TaskEvent, remove_expired};
pub use pages::Pages;
pub use routes::router;
