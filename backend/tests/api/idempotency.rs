//! `Idempotency-Key`: a retry returns the first result.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, Call, Client, ids, send_concurrently};

fn post(client: &Client, key: &str, title: &str) -> Call {
    client.post("/api/tasks").header("idempotency-key", key).json(&json!({ "title": title }))
}

#[sqlx::test]
async fn a_retry_gets_the_first_answer(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let first = post(&ada, "key-1", "milk").await;
    let task = first.ok(201);
    ada.patch(first.header("location")).json(&json!({ "title": "oat milk" })).await.ok(200);

    let retry = post(&ada, "key-1", "milk").await;
    assert_eq!(retry.ok(201), task);
    assert_eq!((retry.header("location"), retry.header("etag")), (first.header("location"), first.header("etag")));
    assert_eq!(ada.task_count().await, 1);

    assert_ne!(post(&ada, "key-2", "milk").await.ok(201)["id"], task["id"]);
    ada.task("milk").await;
    ada.task("milk").await;
    assert_eq!(ada.task_count().await, 4);
}

/// The release that made the answer may have known other fields of a task.
#[sqlx::test]
async fn an_answer_of_another_release_is_repeated_as_it_was(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = post(&ada, "key", "milk").await.ok(201);
    let update = "update idempotency_keys set response = response - 'description' || '{\"color\": [1.50, null]}'";
    sqlx::query(update).execute(&pool).await.unwrap();
    let retry = post(&ada, "key", "milk").await;
    let mut expected = task.clone();
    expected.as_object_mut().unwrap().remove("description");
    expected["color"] = json!([1.50, null]);
    assert_eq!(retry.ok(201), expected);
    assert_eq!(retry.header("location"), format!("/api/tasks/{}", task["id"].as_str().unwrap()));
    assert_eq!((retry.header("etag"), retry.header("content-type")), ("\"1\"", "application/json"));
}

#[sqlx::test]
async fn a_key_belongs_to_one_request_of_one_user(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let eve = app.user("eve").await;
    let task = post(&ada, "key", "milk").await.ok(201);

    post(&ada, "key", "bread").await.problem(422, "idempotency_key_reused");
    let import = ada.post("/api/tasks/import").header("idempotency-key", "key").json(&json!([{ "title": "milk" }]));
    import.await.problem(422, "idempotency_key_reused");
    assert_ne!(post(&eve, "key", "milk").await.ok(201)["id"], task["id"]);
    assert_eq!((ada.task_count().await, eve.task_count().await), (1, 1));
}

#[sqlx::test]
async fn concurrent_retries_create_one_task(pool: PgPool) {
    let replicas = [App::new(&pool), App::new(&pool)];
    let ada = replicas[0].user("ada").await;
    let clients = [ada.clone(), ada.on(&replicas[1])];
    let replies = send_concurrently((0..12).map(|number| post(&clients[number % 2], "key", "milk"))).await;
    let mut created: Vec<_> = replies.iter().map(|reply| reply.ok(201)["id"].to_string()).collect();
    created.dedup();
    assert_eq!(created.len(), 1);
    assert_eq!(ada.task_count().await, 1);
}

#[sqlx::test]
async fn a_failed_attempt_does_not_use_up_its_key(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    post(&ada, "key", "").await.problem(422, "validation");
    post(&ada, "key", "milk").await.ok(201);

    // The key is released as well if the statement fails.
    sqlx::query("alter table tasks add constraint broken check (title <> 'eggs')").execute(&pool).await.unwrap();
    post(&ada, "other", "eggs").await.problem(500, "internal");
    sqlx::query("alter table tasks drop constraint broken").execute(&pool).await.unwrap();
    post(&ada, "other", "eggs").await.ok(201);
    assert_eq!(ada.task_count().await, 2);
}

#[sqlx::test]
async fn a_key_expires_after_a_day(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let age = async |interval: &str| {
        let update = "update idempotency_keys set created_at = now() - $1::interval";
        sqlx::query(update).bind(interval.to_owned()).execute(&pool).await.unwrap();
    };
    let task = post(&ada, "key", "milk").await.ok(201);
    age("23 hours 59 minutes").await;
    assert_eq!(post(&ada, "key", "milk").await.ok(201), task);
    age("24 hours 1 second").await;
    post(&ada, "key", "bread").await.ok(201);
    post(&ada, "key", "milk").await.problem(422, "idempotency_key_reused");
}

#[sqlx::test]
async fn imports_can_be_retried(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for _ in 0..2 {
        let import = ada.post("/api/tasks/import").header("idempotency-key", "file").body("text/csv", "title\na\nb\n");
        assert_eq!(import.await.ok(201), json!({ "imported": 2 }));
    }
    assert_eq!(ids(&ada.get("/api/tasks").await.ok(200)["tasks"]).len(), 2);
}

#[sqlx::test]
async fn a_key_is_1_to_255_visible_ascii_characters(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for key in ["", "a b", "ключ", &"x".repeat(256)] {
        post(&ada, key, "milk")
            .await
            .expect_field_error("Idempotency-Key", "must be 1 to 255 visible ASCII characters");
    }
    post(&ada, &"~".repeat(255), "milk").await.ok(201);
}
