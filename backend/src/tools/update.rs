use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    error::Failure,
    lookup::lookup,
    schema,
    tool::{TaskResult, Tool},
};
use crate::{
    tasks::{Change, MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS, Status, Task, update},
    validation::FieldError,
};

pub const TOOL: Tool = Tool {
    name: "update_task",
    title: "Change a task",
    description: "Changes title, description or status of a task of the user; what is absent stays as it is. \
                  The status `pending` reopens a completed task.",
    input: schema::input::<Arguments>,
    output: schema::output::<TaskResult>,
    read_only: false,
    // It overwrites the text that was there.
    destructive: true,
    // A second call may match another task, once the first has changed the title.
    idempotent: false,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the task, or its title, or a part of the title that fits no other task.
    #[schemars(length(min = 1, max = MAX_TITLE_CHARACTERS))]
    task: String,
    /// The new title, on one line.
    #[serde(default)]
    #[schemars(with = "String", length(min = 1, max = MAX_TITLE_CHARACTERS))]
    title: Option<String>,
    /// The new description; an empty text removes it.
    #[serde(default)]
    #[schemars(with = "String", length(max = MAX_DESCRIPTION_CHARACTERS))]
    description: Option<String>,
    #[serde(default)]
    #[schemars(with = "Status")]
    status: Option<Status>,
}

impl Arguments {
    fn change(&self) -> Result<Change, Failure> {
        let change = Change::new(self.title.as_deref(), self.description.as_deref(), self.status)?;
        if change == Change::default() {
            let rule = "must have at least one of title, description and status";
            return Err(FieldError::new("arguments", rule).into());
        }
        Ok(change)
    }
}

/// The task that a valid change is about.
pub async fn find(connection: &mut PgConnection, user_id: Uuid, arguments: &Arguments) -> Result<Task, Failure> {
    // A model that wants another status means a task that does not have it yet.
    let preferred = arguments.change()?.status.map(|status| match status {
        Status::Pending => Status::Completed,
        Status::Completed => Status::Pending,
    });
    lookup(connection, user_id, &arguments.task, preferred).await
}

/// Changes this version of the task.
pub async fn run(
    connection: &mut PgConnection,
    user_id: Uuid,
    arguments: &Arguments,
    task: Task,
) -> Result<TaskResult, Failure> {
    let change = arguments.change()?;
    Ok(TaskResult { task: update(connection, user_id, task.id, Some(&[task.version]), &change).await? })
}
