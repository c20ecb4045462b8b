//! Creating, reading, changing and deleting one task.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use crate::support::{App, check_property, path};

#[sqlx::test]
async fn a_task_is_created_read_and_deleted(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let reply = ada.post("/api/tasks").json(&json!({ "title": "  Buy milk ", "description": " two\nlitres " })).await;
    let task = reply.ok(201);
    assert_eq!(task["title"], "Buy milk");
    assert_eq!(task["description"], " two\nlitres ");
    assert_eq!(task["status"], "pending");
    assert_eq!(task["completed_at"], Value::Null);
    assert_eq!(task["version"], 1);
    assert_eq!(task["created_at"], task["updated_at"]);
    assert!(task["created_at"].as_str().unwrap().ends_with('Z'), "{task}");
    assert_eq!(task["id"].as_str().unwrap().as_bytes()[14], b'7', "a UUIDv7");
    assert_eq!(task.as_object().unwrap().len(), 8, "{task}");
    assert_eq!(reply.header("location"), path(&task));
    assert_eq!(reply.header("etag"), "\"1\"");

    let read = ada.get(&path(&task)).await;
    assert_eq!(read.ok(200), task);
    assert_eq!(read.header("etag"), "\"1\"");
    assert_eq!(ada.get("/api/tasks").await.ok(200)["tasks"], json!([task]));

    ada.delete(&path(&task)).await.ok(204);
    for call in [
        ada.get(&path(&task)),
        ada.delete(&path(&task)),
        ada.patch(&path(&task)).json(&json!({ "title": "x" })),
        ada.post(&format!("{}/complete", path(&task))),
        ada.post(&format!("{}/reopen", path(&task))),
    ] {
        call.await.problem(404, "not_found");
    }
    assert_eq!(ada.get("/api/tasks").await.ok(200)["counts"]["all"], 0);
}

#[sqlx::test]
async fn completing_and_reopening_are_idempotent(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = ada.task("a").await;
    let [complete, reopen] = ["complete", "reopen"].map(|verb| format!("{}/{verb}", path(&task)));

    let reply = ada.post(&complete).await;
    let completed = reply.ok(200);
    assert_eq!((&completed["status"], &completed["version"]), (&json!("completed"), &json!(2)));
    assert_eq!(reply.header("etag"), "\"2\"");
    assert_eq!(completed["completed_at"], completed["updated_at"]);
    assert_eq!(ada.post(&complete).await.ok(200), completed);

    let reopened = ada.post(&reopen).await.ok(200);
    assert_eq!((&reopened["status"], &reopened["version"]), (&json!("pending"), &json!(3)));
    assert_eq!(reopened["completed_at"], Value::Null);
    assert_eq!(ada.post(&reopen).await.ok(200), reopened);
}

/// An emoji of four bytes is one character.
#[sqlx::test]
async fn lengths_are_in_characters_after_trimming(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for title in ["x".to_owned(), "🦀".repeat(200), "é".repeat(200), format!("  {}\n", "x".repeat(200)), "名前".into()]
    {
        let task = ada.task(&title).await;
        assert_eq!(task["title"], title.trim());
    }
    for description in [String::new(), "🦀".repeat(1000), "a\n\tb\r\n".repeat(100)] {
        let form = json!({ "title": "x", "description": description });
        assert_eq!(ada.post("/api/tasks").json(&form).await.ok(201)["description"], description);
    }
    for (form, field, rule) in [
        (json!({ "title": "" }), "title", "must be 1 to 200 characters"),
        (json!({ "title": " \t\n\u{a0}\u{2003}" }), "title", "must be 1 to 200 characters"),
        (json!({ "title": "🦀".repeat(201) }), "title", "must be 1 to 200 characters"),
        (json!({ "title": "two\nlines" }), "title", "must not contain line breaks"),
        (json!({ "title": "a\u{0}b" }), "title", "must not contain line breaks or other control characters"),
        (json!({ "title": "a\u{85}b" }), "title", "control characters"),
        (json!({ "title": 7 }), "title", "invalid type: integer `7`"),
        (json!({ "title": null }), "title", "invalid type: null"),
        (json!({}), "title", "is required"),
        (json!({ "title": "a", "description": "🦀".repeat(1001) }), "description", "must be at most 1000 characters"),
        (json!({ "title": "a", "description": "a\u{0}b" }), "description", "must not contain the NUL character"),
        (json!({ "title": "a", "description": {} }), "description", "invalid type"),
        (json!({ "title": "a", "status": "completed" }), "status", "is not a known field"),
        (json!({ "title": "a", "id": "0199a" }), "id", "is not a known field"),
    ] {
        ada.post("/api/tasks").json(&form).await.expect_field_error(field, rule);
    }
    let both = json!({ "title": "", "description": "x".repeat(1001) });
    let problem = ada.post("/api/tasks").json(&both).await.problem(422, "validation");
    assert_eq!(crate::support::pluck(&problem["errors"], "field"), ["title", "description"]);
}

#[sqlx::test]
async fn invalid_patches_are_refused_by_field_and_change_nothing(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = ada.task("a").await;
    for (patch, field, rule) in [
        (json!({ "title": null }), "title", "invalid type: null"),
        (json!({ "title": " " }), "title", "must be 1 to 200 characters"),
        (json!({ "status": null }), "status", "is not valid"),
        (json!({ "status": "done" }), "status", "unknown variant `done`, expected `pending` or `completed`"),
        (json!({ "status": "completed", "description": "x".repeat(1001) }), "description", "at most 1000"),
        (json!({ "title": "b", "version": 7 }), "version", "is not a known field"),
        (json!({ "title": "b", "created_at": "2020-01-01T00:00:00Z" }), "created_at", "is not a known field"),
        (json!([]), "body", "must be a JSON object"),
        (json!(["b"]), "body", "must be a JSON object"),
        (json!("title"), "body", "must be a JSON object"),
    ] {
        ada.patch(&path(&task)).json(&patch).await.expect_field_error(field, rule);
    }
    assert_eq!(ada.get(&path(&task)).await.ok(200), task);
}

#[sqlx::test]
async fn an_unknown_or_invalid_id_is_not_found(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for id in ["1", "not-an-id", "0199b5f0-0000-7000-8000-000000000000", "%00", "%F0%9F%A6%80", "..%2Fexport", "'"] {
        ada.get(&format!("/api/tasks/{id}")).await.problem(404, "not_found");
        ada.patch(&format!("/api/tasks/{id}")).json(&json!({ "title": "x" })).await.problem(404, "not_found");
    }
}

fn patches() -> impl Strategy<Value = Vec<Map<String, Value>>> {
    let title = option::weighted(0.4, "[a-c🦀]{1,2}").prop_map(|title| title.map(Value::from));
    let description = option::weighted(0.5, option::weighted(0.7, "[a-b\n]{0,2}"));
    let description = description.prop_map(|description| description.map(Value::from));
    let status = option::weighted(0.4, prop_oneof![Just("pending"), Just("completed")]);
    let status = status.prop_map(|status| status.map(Value::from));
    let patch = (title, description, status).prop_map(|(title, description, status)| {
        let fields = [("title", title), ("description", description), ("status", status)];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    });
    vec(patch, 0..8)
}

/// Applies a JSON Merge Patch (RFC 7396), where `null` empties the description. Returns whether the task has changed.
fn merge(task: &mut Value, patch: &Map<String, Value>) -> bool {
    let before = task.clone();
    for (field, value) in patch {
        task[field] = if value.is_null() { json!("") } else { value.clone() };
    }
    *task != before
}

#[sqlx::test]
async fn patches_merge_fields_as_rfc_7396_says(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    check_property(40, patches(), async move |patches| {
        let mut last = ada.task("start").await;
        let path = path(&last);
        let mut model = json!({ "title": "start", "description": "", "status": "pending" });
        let mut version = 1;
        for patch in patches {
            let changed = merge(&mut model, &patch);
            version += u32::from(changed);
            let task = ada.patch(&path).json(&patch.into()).await.ok(200);
            for field in ["title", "description", "status"] {
                assert_eq!(task[field], model[field], "{field}");
            }
            assert_eq!(task["version"], version);
            assert_eq!(task["completed_at"].is_string(), model["status"] == "completed");
            assert_eq!(task["created_at"], last["created_at"]);
            assert_eq!(task["updated_at"] != last["updated_at"], changed);
            if last["status"] == task["status"] {
                assert_eq!(task["completed_at"], last["completed_at"]);
            }
            last = task;
        }
        assert_eq!(ada.get(&path).await.ok(200), last);
    })
    .await;
}
