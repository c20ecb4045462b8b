use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    Pending,
    Completed,
}

impl Status {
    /// The text in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
pub struct Task {
    pub id: Uuid,
    pub title: String,
    /// Empty when there is none.
    pub description: String,
    pub status: Status,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub completed_at: Option<OffsetDateTime>,
    /// Counts up with each change; the `ETag` in quotes.
    pub version: i32,
}

/// A statement that gives tasks. `COLUMNS` stands for the columns of a [`Task`], which are listed here, and as
/// those that may be absent in `list`; like the rest of the statement they are checked when the program is compiled.
macro_rules! query_tasks {
    ($before:tt + COLUMNS $(+ $after:tt)*, $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::tasks::task::Task,
            $before
                + r#" id, title, description, status as "status!: crate::tasks::task::Status", created_at, updated_at, completed_at, version "#
                $(+ $after)*,
            $($arguments)*
        )
    };
}
pub(super) use query_tasks;
