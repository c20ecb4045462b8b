//! Tasks. Uses `accounts` and the shared rooms.
//!
//! Every statement names the owner, so that another user's task is simply not there. A change needs nothing further to
//! show up elsewhere: triggers on the table record it for the event streams.

mod bulk;
mod change;
mod error;
mod export;
mod fields;
mod import;
mod list;
mod quota;
mod routes;
mod task;

pub use change::{Change, create, delete, get, remove_expired, update};

pub use error::Error;
pub use fields::{Draft, MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS, check_title, title_schema};
pub use list::{Counts, DEFAULT_PAGE_SIZE, ListQuery, MAX_PAGE_SIZE, Page, Sort, StatusFilter, list};
pub use quota::Quota;
pub use routes::{Imports, router};
pub use task::{Status, Task};
