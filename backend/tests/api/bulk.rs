//! Changing several tasks in one request.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, Call, Client, UNKNOWN_ID, ids, path, send_concurrently};

fn bulk(client: &Client, action: &str, ids: &Value) -> Call {
    client.post("/api/tasks/bulk").json(&json!({ "action": action, "ids": ids }))
}

#[sqlx::test]
async fn tasks_are_completed_reopened_deleted_and_restored(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let [a, b, other] = [ada.task("a").await, ada.task("b").await, ada.task("other").await];
    ada.post(&format!("{}/complete", path(&b))).await.ok(200);
    let both = json!([a["id"], b["id"]]);

    let completed = bulk(&ada, "complete", &both).await.ok(200);
    assert_eq!(completed["not_found"], json!([]));
    let versions = |result: &Value| [&result["tasks"][0]["version"], &result["tasks"][1]["version"]].map(Value::clone);
    // The task that was completed before is unchanged.
    assert_eq!(versions(&completed), [2, 2]);
    assert_eq!(completed["tasks"][1]["status"], "completed");
    assert_eq!(completed["tasks"][0], ada.get(&path(&a)).await.ok(200));

    let reopened = bulk(&ada, "reopen", &both).await.ok(200);
    assert_eq!(versions(&reopened), [3, 3]);
    assert_eq!(reopened["tasks"][0]["completed_at"], Value::Null);

    let deleted = bulk(&ada, "delete", &both).await.ok(200);
    assert_eq!(deleted["tasks"], reopened["tasks"]);
    assert_eq!(ada.get("/api/tasks").await.ok(200)["tasks"], json!([other]));
    for action in ["complete", "reopen", "delete"] {
        assert_eq!(bulk(&ada, action, &both).await.ok(200), json!({ "tasks": [], "not_found": both }));
    }

    let restored = bulk(&ada, "restore", &both).await.ok(200);
    assert_eq!(restored["not_found"], json!([]));
    assert_eq!(ids(&restored["tasks"]), ids(&reopened["tasks"]));
    assert_eq!(restored["tasks"][0]["updated_at"], reopened["tasks"][0]["updated_at"]);
    assert_eq!(restored["tasks"][0], ada.get(&path(&a)).await.ok(200));
    // Only deleted tasks can be restored.
    assert_eq!(bulk(&ada, "restore", &both).await.ok(200)["not_found"], both);
}

#[sqlx::test]
async fn a_single_deleted_task_can_be_restored(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = ada.task("a").await;
    ada.delete(&path(&task)).await.ok(204);
    let restored = bulk(&ada, "restore", &json!([task["id"]])).await.ok(200)["tasks"][0].clone();
    assert_eq!((&restored["title"], &restored["created_at"]), (&task["title"], &task["created_at"]));
    // A restored task has a new version, so that a tab with the old one does not overwrite it.
    ada.patch(&path(&task))
        .json(&json!({ "title": "b" }))
        .header("if-match", "\"1\"")
        .await
        .problem(412, "precondition_failed");
}

#[sqlx::test]
async fn unknown_ids_are_reported_and_the_other_tasks_changed(pool: PgPool) {
    let app = App::new(&pool);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let [mine, hers] = [ada.task("mine").await, eve.task("hers").await];
    let mixed = json!([hers["id"], mine["id"], UNKNOWN_ID, mine["id"], UNKNOWN_ID]);
    let result = bulk(&ada, "complete", &mixed).await.ok(200);
    assert_eq!(ids(&result["tasks"]), [mine["id"].as_str().unwrap()]);
    let mut missing = vec![hers["id"].clone(), json!(UNKNOWN_ID)];
    missing.sort_by_key(Value::to_string);
    assert_eq!(result["not_found"], json!(missing));
    assert_eq!(eve.get(&path(&hers)).await.ok(200), hers);
}

#[sqlx::test]
async fn up_to_200_ids_are_accepted(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let file: Vec<Value> = (0..200).map(|number| json!({ "title": format!("task {number}") })).collect();
    ada.post("/api/tasks/import").json(&json!(file)).await.ok(201);
    let all = ids(&ada.get("/api/tasks?limit=200").await.ok(200)["tasks"]);
    let result = bulk(&ada, "complete", &json!(all)).await.ok(200);
    assert_eq!(result["tasks"].as_array().unwrap().len(), 200);
    assert_eq!(ada.get("/api/tasks").await.ok(200)["counts"], json!({ "all": 200, "pending": 0, "completed": 200 }));

    let too_many = [all, vec![UNKNOWN_ID.to_owned()]].concat();
    bulk(&ada, "reopen", &json!(too_many)).await.expect_field_error("ids", "must be 1 to 200 ids");
    assert_eq!(ada.get("/api/tasks").await.ok(200)["counts"]["completed"], 200);
}

#[sqlx::test]
async fn invalid_bulk_changes_are_refused_by_field(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for (form, field, rule) in [
        (json!({ "action": "complete", "ids": [] }), "ids", "must be 1 to 200 ids"),
        (json!({ "action": "complete" }), "ids", "is required"),
        (json!({ "ids": [UNKNOWN_ID] }), "action", "is required"),
        (json!({ "action": "archive", "ids": [UNKNOWN_ID] }), "action", "unknown variant `archive`"),
        (json!({ "action": "complete", "ids": [UNKNOWN_ID, "x"] }), "ids[1]", "is not valid"),
        (json!({ "action": "complete", "ids": UNKNOWN_ID }), "ids", "is not valid"),
        (json!({ "action": "complete", "ids": [UNKNOWN_ID], "all": true }), "all", "is not a known field"),
    ] {
        ada.post("/api/tasks/bulk").json(&form).await.expect_field_error(field, rule);
    }
}

/// If one row cannot be changed, no row is.
#[sqlx::test]
async fn a_bulk_change_is_one_transaction(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let [a, b] = [ada.task("a").await, ada.task("b").await];
    let constraint = "alter table tasks add constraint broken check (title <> 'b' or completed_at is null)";
    sqlx::query(constraint).execute(&pool).await.unwrap();
    bulk(&ada, "complete", &json!([a["id"], b["id"]])).await.problem(500, "internal");
    assert_eq!(ada.get(&path(&a)).await.ok(200), a);
}

#[sqlx::test]
async fn concurrent_bulk_changes_in_opposite_orders_do_not_deadlock(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let mut all = Vec::new();
    for number in 0..20 {
        all.push(ada.task(&format!("{number}")).await["id"].clone());
    }
    let reversed: Vec<Value> = all.iter().rev().cloned().collect();
    let actions = ["complete", "reopen", "delete", "restore"];
    let calls =
        (0..16).map(|number| bulk(&ada, actions[number % 4], &json!(if number % 2 == 0 { &all } else { &reversed })));
    for reply in send_concurrently(calls.collect::<Vec<_>>()).await {
        reply.ok(200);
    }
}
