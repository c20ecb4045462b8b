//! `ETag` and `If-Match`, which keep two tabs from overwriting each other's changes.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, Call, Client, path, send_concurrently};

/// Each kind of change of one task, with the status of its success.
fn changes(client: &Client, task: &str) -> [(Call, u16); 4] {
    [
        (client.patch(task).json(&json!({ "title": "changed" })), 200),
        (client.post(&format!("{task}/complete")), 200),
        (client.post(&format!("{task}/reopen")), 200),
        (client.delete(task), 204),
    ]
}

#[sqlx::test]
async fn a_stale_version_is_refused_and_the_current_one_returned(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = path(&ada.task("a").await);
    let seen = ada.patch(&task).json(&json!({ "title": "b" })).header("if-match", "\"1\"").await.ok(200);
    for stale in
        ["\"1\"", "\"3\"", "\"0\"", "W/\"2\"", "W/\"2\", \"1\"", "\"1\", \"3\"", "\"abc\"", "\"\"", "\"02\"", "\"+2\""]
    {
        for (call, _) in changes(&ada, &task) {
            let reply = call.header("if-match", stale).await;
            reply.problem(412, "precondition_failed");
            assert_eq!(reply.header("etag"), "\"2\"", "{stale}");
        }
    }
    assert_eq!(ada.get(&task).await.ok(200), seen);
}

#[sqlx::test]
async fn the_current_version_is_accepted_alone_in_a_list_or_as_a_wildcard(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for fresh in ["\"1\"", " \"1\" ", "\"7\", \"1\"", "W/\"1\",\"1\"", "*"] {
        for change in 0..4 {
            let task = path(&ada.task("a").await);
            let [a, b, c, d] = changes(&ada, &task);
            let (call, status) = [a, b, c, d].into_iter().nth(change).unwrap();
            call.header("if-match", fresh).await.ok(status);
        }
    }
    let task = path(&ada.task("a").await);
    ada.delete(&task).header("if-match", "\"9\"").header("if-match", "\"1\"").await.ok(204);
}

#[sqlx::test]
async fn a_malformed_if_match_is_a_bad_request(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = path(&ada.task("a").await);
    for malformed in ["1", "", "\"1", "1\"", "\"", "\"1\" \"2\"x", "w/1", "\"1\", 2"] {
        for (call, _) in changes(&ada, &task) {
            call.header("if-match", malformed).await.problem(400, "bad_request");
        }
    }
}

#[sqlx::test]
async fn if_match_on_a_missing_task_is_not_found(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for (call, _) in changes(&ada, "/api/tasks/0199b5f0-0000-7000-8000-000000000000") {
        call.header("if-match", "*").await.problem(404, "not_found");
    }
}

#[sqlx::test]
async fn exactly_one_of_several_concurrent_changes_succeeds(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = path(&ada.task("a").await);
    let change =
        |number| ada.patch(&task).json(&json!({ "title": format!("by {number}") })).header("if-match", "\"1\"");
    let replies = send_concurrently((0..8).map(change)).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 412).count(), 7);
    assert_eq!(ada.get(&task).await.ok(200)["version"], 2);
}
