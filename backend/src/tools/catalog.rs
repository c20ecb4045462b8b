//! All tools, and the one way to call them.

use prometheus::{IntCounterVec, Opts, Registry};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::{
    add,
    arguments::read,
    complete, delete,
    error::{Error, Failure, ToolError},
    list,
    lookup::get_version,
    many,
    tool::{Target, Tool},
    update,
};
use crate::{db::Database, tasks::Task, telemetry::metrics::registered};

/// Those for one task, which every model has.
pub const TOOLS: &[Tool] = &[add::TOOL, list::TOOL, complete::TOOL, update::TOOL, delete::TOOL];

pub fn find(name: &str) -> Option<&'static Tool> {
    Source::Mcp.tools().find(|tool| tool.name == name)
}

/// Where the model that calls a tool is.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Chat,
    Mcp,
}

impl Source {
    /// The tools that a model there can call.
    pub fn tools(self) -> impl Iterator<Item = &'static Tool> {
        let many: &[Tool] = match self {
            Self::Chat => &[],
            Self::Mcp => many::TOOLS,
        };
        TOOLS.iter().chain(many)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Mcp => "mcp",
        }
    }
}

/// What a tool did. It comes true when the transaction is committed, so that a caller can first check, in the same
/// transaction, that it may.
pub struct Done {
    pub result: Value,
    pub transaction: Transaction<'static, Postgres>,
}

/// What is needed to call tools. A clone refers to the same.
#[derive(Clone)]
pub struct Tools {
    database: Database,
    /// Calls by tool, result and source.
    calls: IntCounterVec,
}

impl Tools {
    pub fn new(registry: &Registry, database: Database) -> prometheus::Result<Self> {
        let calls = Opts::new("tool_calls_total", "Tools that language models called");
        let calls = registered(registry, IntCounterVec::new(calls, &["tool", "result", "source"])?)?;
        Ok(Self { database, calls })
    }

    /// Calls a tool. A [`ToolError`] is a refusal on which a model can act; an [`Error`] is an outage or a bug.
    pub async fn call(
        &self,
        source: Source,
        user_id: Uuid,
        name: &str,
        arguments: Value,
    ) -> Result<Result<Value, ToolError>, Error> {
        match self.begin(source, user_id, name, arguments, None).await? {
            Ok(Done { result, transaction }) => {
                transaction.commit().await?;
                Ok(Ok(result))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Calls a tool, but leaves it to the caller whether what it did comes true. A destructive call changes nothing but
    /// its `target`, if there is one: the title in its arguments is then not looked up again.
    pub async fn begin(
        &self,
        source: Source,
        user_id: Uuid,
        name: &str,
        arguments: Value,
        target: Option<&Target>,
    ) -> Result<Result<Done, ToolError>, Error> {
        let outcome = run(&self.database.pool(), source, user_id, name, arguments, target).await;
        let result = match &outcome {
            Ok(_) => "ok",
            Err(Failure::Refused(refusal)) => refusal.error,
            Err(Failure::Broken(_)) => "failed",
        };
        // Models invent names; labels must not multiply with them.
        let tool = find(name).map_or("unknown", |tool| tool.name);
        self.calls.with_label_values(&[tool, result, source.as_str()]).inc();
        match outcome {
            Ok(done) => Ok(Ok(done)),
            Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
            Err(Failure::Broken(error)) => Err(error),
        }
    }
}

/// The task that a destructive call would change, if it were done now.
pub async fn find_target(
    connection: &mut PgConnection,
    user_id: Uuid,
    name: &str,
    arguments: Value,
) -> Result<Result<Target, ToolError>, Error> {
    match find_task(connection, user_id, name, arguments, None).await {
        Ok(task) => Ok(Ok(task.into())),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(Failure::Broken(error)) => Err(error),
    }
}

async fn find_task(
    connection: &mut PgConnection,
    user_id: Uuid,
    name: &str,
    arguments: Value,
    target: Option<&Target>,
) -> Result<Task, Failure> {
    match (target, name) {
        (Some(target), _) => get_version(connection, user_id, target).await,
        (None, "update_task") => update::find(connection, user_id, &read(arguments)?).await,
        (None, "delete_task") => delete::find(connection, user_id, &read(arguments)?).await,
        _ => Err(Failure::Refused(ToolError::unknown_tool(name, TOOLS.iter()))),
    }
}

async fn run(
    pool: &PgPool,
    source: Source,
    user_id: Uuid,
    name: &str,
    arguments: Value,
    target: Option<&Target>,
) -> Result<Done, Failure> {
    if !source.tools().any(|tool| tool.name == name) {
        return Err(Failure::Refused(ToolError::unknown_tool(name, source.tools())));
    }
    if name == list::TOOL.name {
        // It reads in a snapshot of its own.
        let result = value(&list::run(pool, user_id, read(arguments)?).await?)?;
        return Ok(Done { result, transaction: pool.begin().await? });
    }
    let mut transaction = pool.begin().await?;
    let connection = &mut *transaction;
    let result = match name {
        "add_task" => value(&add::run(connection, user_id, read(arguments)?).await?),
        "complete_task" => value(&complete::run(connection, user_id, read(arguments)?).await?),
        "update_task" => {
            let task = find_task(connection, user_id, name, arguments.clone(), target).await?;
            value(&update::run(connection, user_id, &read(arguments)?, task).await?)
        }
        "delete_task" => {
            let task = find_task(connection, user_id, name, arguments, target).await?;
            value(&delete::run(connection, user_id, task).await?)
        }
        "add_tasks" => value(&many::add(connection, user_id, read(arguments)?).await?),
        "complete_tasks" => value(&many::complete(connection, user_id, read(arguments)?).await?),
        "update_tasks" => value(&many::update(connection, user_id, read(arguments)?).await?),
        "delete_tasks" => value(&many::delete(connection, user_id, read(arguments)?).await?),
        _ => Err(Failure::Refused(ToolError::unknown_tool(name, source.tools()))),
    }?;
    Ok(Done { result, transaction })
}

/// The result as JSON. What is absent has no field, because some clients drop a tool whose fields may be null.
fn value(result: &impl Serialize) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(result).map_err(|error| Failure::Broken(error.into()))?;
    remove_nulls(&mut value);
    Ok(value)
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(remove_nulls),
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        _ => {}
    }
}
