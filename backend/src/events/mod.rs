//! Live changes of a user's own tasks as server-sent events, from every replica. Uses `tasks`, `accounts` and the
//! shared rooms.
//!
//! Triggers in the database number each user's changes in commit order (table `task_events`). The end of the request that
//! made a change wakes the user's streams (`http::wake`).

mod changes;
mod feeds;
mod routes;

pub use changes::{TaskEvent, remove_expired};
pub use feeds::Feeds;
pub use routes::router;
