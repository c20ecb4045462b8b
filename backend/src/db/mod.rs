//! The database as every feature sees it: connections, whether it is available, migrations, and what statements
//! share. Uses `validation` and nothing else of ours; knows no table of a feature.

mod database;
mod error;
pub mod idempotency;
mod migrations;
pub mod paging;

pub use database::{Database, PooledConnection};
pub use error::{is_of_deleted_user, is_outage, is_timeout, violates};
pub use migrations::migrate;
