//! Tool calls of a run that may not change anything any more.

use std::time::Duration;

use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};
use todo_backend::chat::Limits;
use todo_llm::{Model, Reply, Script};
use tokio::time::{sleep, timeout};

use super::support::{TIMEOUT, message, replica, replica_with_limits};
use crate::{
    events::EventStream,
    support::{App, Client},
};

/// Keeps every change of a task waiting until the transaction ends: each change counts up its owner's number.
async fn hold_changes(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from users for no key update").execute(&mut *holder).await.unwrap();
    holder
}

/// The number of other connections to this database that are in one of these states.
async fn connections(pool: &PgPool, condition: &str) -> i64 {
    let count = format!(
        "select count(*) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and {condition}"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(pool).await.unwrap()
}

async fn wait_until(condition: impl AsyncFn() -> bool) {
    let reached = async {
        while !condition().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TIMEOUT, reached).await.expect("the condition is reached");
}

/// Starts a turn whose call waits for `hold_changes`, and returns its conversation.
async fn start_waiting_call(pool: &PgPool, ada: &Client) -> String {
    let mut stream = EventStream::open(ada.chat(&message("Work"))).await;
    let start = stream.expect("message_start").await;
    let id = start.data["conversation_id"].as_str().unwrap().to_owned();
    // Question, answer and call: what waited for a lock before was something else.
    wait_until(async || ada.messages(&id).await.len() == 3).await;
    // The sender of notifications may wait for a lock as well, which is not one of a row.
    wait_until(async || connections(pool, "wait_event in ('transactionid', 'tuple')").await == 1).await;
    id
}

/// Lets changes go on, and waits until every run and every statement has ended.
async fn release(pool: &PgPool, app: &App, holder: Transaction<'static, Postgres>) {
    holder.rollback().await.unwrap();
    timeout(TIMEOUT, app.state.chat.wait_until_idle()).await.expect("the run ends");
    wait_until(async || connections(pool, "backend_type = 'client backend' and state <> 'idle'").await == 0).await;
}

#[sqlx::test]
async fn a_stopped_call_that_waited_for_a_lock_changes_nothing(pool: PgPool) {
    let (_model, app) = replica(&pool, Script::in_order([Reply::call("add_task", json!({ "title": "b" }))])).await;
    let ada = app.user("ada").await;
    let holder = hold_changes(&pool).await;
    let id = start_waiting_call(&pool, &ada).await;
    ada.post(&format!("/api/chat/{id}/cancel")).await.ok(204);
    ada.wait_until_idle(&id).await;
    release(&pool, &app, holder).await;
    assert_eq!(ada.task_count().await, 0);
    let call = &ada.messages(&id).await[2];
    assert_eq!(call["status"], "cancelled");
    assert!(call["tool"]["result"]["detail"].as_str().unwrap().contains("changed nothing"), "{call}");
}

/// The run does not know yet that it has been stopped, or that it has lost its lease.
#[sqlx::test]
async fn the_database_refuses_the_change_of_a_lost_run(pool: PgPool) {
    let model = Model::start(Script::default()).await;
    let app = replica_with_limits(&pool, &model, Limits { renewal: Duration::from_mins(1), ..Limits::default() });
    let ada = app.user("ada").await;
    ada.task("a").await;
    let before = ada.get("/api/tasks").await.ok(200);
    for (tool, arguments) in [
        ("add_task", json!({ "title": "b" })),
        ("complete_task", json!({ "task": "a" })),
        ("update_task", json!({ "task": "a", "title": "b" })),
        ("delete_task", json!({ "task": "a" })),
    ] {
        for lost in ["cancelled = true", "leased_until = clock_timestamp()", "run = gen_random_uuid()", "run = null"] {
            model.set_script(Script::in_order([Reply::call(tool, arguments.clone()), Reply::text("Done.")]));
            let holder = hold_changes(&pool).await;
            start_waiting_call(&pool, &ada).await;
            let lose = format!("update conversations set {lost}");
            sqlx::query(sqlx::AssertSqlSafe(lose)).execute(&pool).await.unwrap();
            release(&pool, &app, holder).await;
            assert_eq!(ada.get("/api/tasks").await.ok(200), before, "{tool} with {lost}");
            sqlx::query("delete from conversations").execute(&pool).await.unwrap();
        }
    }
}
