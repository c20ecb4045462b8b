//! The same for many tasks in one call: all of it is done, or nothing.
//!
//! Only MCP clients have these tools. The chat asks the user about each task that would be lost, and its models make
//! several calls at once.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{add, delete, error::Failure, lookup::lookup, schema, tool::Tool, update as update_one};
use crate::{
    tasks::{Change, MAX_TITLE_CHARACTERS, Status, Task, update as change},
    validation::FieldError,
};

/// Tasks that one call may name.
const MAX_TASKS: usize = 50;

const ADD: Tool = Tool {
    name: "add_tasks",
    title: "Add tasks",
    description: "Adds up to 50 tasks to the user's list, all or none.",
    input: schema::input::<Added>,
    output: schema::output::<TasksResult>,
    read_only: false,
    destructive: false,
    idempotent: false,
};

const COMPLETE: Tool = Tool {
    name: "complete_tasks",
    title: "Complete tasks",
    description: "Marks up to 50 tasks of the user as completed, all or none. One that is completed stays as it is.",
    input: schema::input::<Named>,
    output: schema::output::<TasksResult>,
    read_only: false,
    destructive: false,
    idempotent: true,
};

const UPDATE: Tool = Tool {
    name: "update_tasks",
    title: "Change tasks",
    description: "Changes title, description or status of up to 50 tasks of the user, all or none; what is absent stays \
                  as it is. Ask the user before texts are overwritten.",
    input: schema::input::<Updated>,
    output: schema::output::<TasksResult>,
    read_only: false,
    destructive: true,
    idempotent: false,
};

const DELETE: Tool = Tool {
    name: "delete_tasks",
    title: "Delete tasks",
    description: "Deletes up to 50 tasks of the user, all or none, and returns them as they were. Ask the user first. \
                  Only for what the user wants gone: what is done is to be completed instead.",
    input: schema::input::<Named>,
    output: schema::output::<TasksResult>,
    read_only: false,
    destructive: true,
    idempotent: false,
};

pub const TOOLS: &[Tool] = &[ADD, COMPLETE, UPDATE, DELETE];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Added {
    #[schemars(length(min = 1, max = MAX_TASKS))]
    tasks: Vec<add::Arguments>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// For each task its id, or its title, or a part of the title that fits no other task.
    #[schemars(length(min = 1, max = MAX_TASKS), inner(length(min = 1, max = MAX_TITLE_CHARACTERS)))]
    tasks: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updated {
    /// Which task, and what of it is new.
    #[schemars(length(min = 1, max = MAX_TASKS))]
    tasks: Vec<update_one::Arguments>,
}

// Models read the next line as the description of the result.
/// The tasks as they are now; if they were deleted, as they were.
#[derive(Serialize, JsonSchema)]
pub struct TasksResult {
    tasks: Vec<Task>,
}

pub async fn add(connection: &mut PgConnection, user_id: Uuid, arguments: Added) -> Result<TasksResult, Failure> {
    check_number(&arguments.tasks)?;
    let mut tasks = Vec::new();
    for (index, task) in arguments.tasks.into_iter().enumerate() {
        let added = add::run(connection, user_id, task).await;
        tasks.push(added.map_err(|failure| failure.of_item(|field| format!("tasks[{index}].{field}")))?.task);
    }
    Ok(TasksResult { tasks })
}

pub async fn complete(connection: &mut PgConnection, user_id: Uuid, arguments: Named) -> Result<TasksResult, Failure> {
    let completed = Change::of_status(Status::Completed);
    let mut tasks = Vec::new();
    for (task, ()) in find_named(connection, user_id, arguments, Some(Status::Pending)).await? {
        tasks.push(change(connection, user_id, task.id, Some(&[task.version]), &completed).await?);
    }
    Ok(TasksResult { tasks })
}

pub async fn delete(connection: &mut PgConnection, user_id: Uuid, arguments: Named) -> Result<TasksResult, Failure> {
    let mut tasks = Vec::new();
    for (task, ()) in find_named(connection, user_id, arguments, None).await? {
        tasks.push(delete::run(connection, user_id, task).await?.task);
    }
    Ok(TasksResult { tasks })
}

pub async fn update(connection: &mut PgConnection, user_id: Uuid, arguments: Updated) -> Result<TasksResult, Failure> {
    check_number(&arguments.tasks)?;
    let mut found = Vec::new();
    for (index, arguments) in arguments.tasks.into_iter().enumerate() {
        let task = update_one::find(connection, user_id, &arguments).await;
        let task = task.map_err(|failure| failure.of_item(|field| format!("tasks[{index}].{field}")))?;
        found.push((task, arguments));
    }
    let mut tasks = Vec::new();
    for (task, arguments) in in_order(found)? {
        tasks.push(update_one::run(connection, user_id, &arguments, task).await?.task);
    }
    Ok(TasksResult { tasks })
}

async fn find_named(
    connection: &mut PgConnection,
    user_id: Uuid,
    arguments: Named,
    preferred: Option<Status>,
) -> Result<Vec<(Task, ())>, Failure> {
    check_number(&arguments.tasks)?;
    let mut found = Vec::new();
    for (index, name) in arguments.tasks.iter().enumerate() {
        let task = lookup(connection, user_id, name, preferred).await;
        found.push((task.map_err(|failure| failure.of_item(|_| format!("tasks[{index}]")))?, ()));
    }
    Ok(in_order(found)?)
}

/// An empty list must not mean every task.
fn check_number<T>(tasks: &[T]) -> Result<(), FieldError> {
    if (1..=MAX_TASKS).contains(&tasks.len()) { Ok(()) } else { Err(FieldError::new("tasks", "must be 1 to 50 tasks")) }
}

/// The tasks in the order of their ids, so that two calls cannot wait for each other. None may be named twice, because
/// the second change would not be one of the task that was looked up.
fn in_order<T>(mut found: Vec<(Task, T)>) -> Result<Vec<(Task, T)>, FieldError> {
    let mut ids = HashSet::new();
    if let Some(index) = found.iter().position(|(task, _)| !ids.insert(task.id)) {
        return Err(FieldError::new(format!("tasks[{index}]"), "must not name a task for the second time"));
    }
    found.sort_unstable_by_key(|(task, _)| task.id);
    Ok(found)
}
