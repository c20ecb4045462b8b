//! Deleting an account.

use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinSet;

use crate::support::{App, Call, Client, PASSWORD, path};

#[sqlx::test]
async fn deleting_an_account_removes_only_its_data(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let other_session = app.sign_in("ada", PASSWORD).await;
    let token = app.token_client(&ada).await;
    ada.task("to be gone").await;
    let other_user = app.user("bea").await;
    other_user.task("to stay").await;

    let reply = ada.delete("/api/auth/me").json(&json!({ "current_password": PASSWORD })).await;
    reply.ok(204);
    assert!(reply.header("set-cookie").contains("Max-Age=0"), "{reply:?}");

    for client in [&ada, &other_session, &token] {
        client.get("/api/tasks").await.problem(401, "unauthorized");
    }
    app.try_sign_in("ada@example.com", PASSWORD).await.problem(401, "invalid_credentials");
    let counts = "select (select count(*) from users) || ' ' || (select count(*) from tasks) || ' ' ||
        (select count(distinct user_id) from credentials) || ' ' || (select count(distinct user_id) from task_events)";
    let left: String = sqlx::query_scalar(counts).fetch_one(&pool).await.unwrap();
    assert_eq!(left, "1 1 1 1");
    assert_eq!(other_user.get("/api/tasks").await.ok(200)["counts"]["all"], 1);
    // The e-mail address can be used again.
    app.user("ada").await;
}

#[sqlx::test]
async fn deleting_an_account_needs_a_session_and_the_password(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for (form, field, rule) in [
        (json!({ "current_password": "wrong" }), "current_password", "is not your"),
        (json!({}), "current_password", "is required"),
        (json!({ "current_password": PASSWORD, "really": true }), "really", "is not a known field"),
    ] {
        ada.delete("/api/auth/me").json(&form).await.expect_field_error(field, rule);
    }
    let form = json!({ "current_password": PASSWORD });
    let token = app.token_client(&ada).await;
    token.delete("/api/auth/me").json(&form).await.problem(403, "session_required");
    app.anonymous().delete("/api/auth/me").json(&form).await.problem(401, "unauthorized");
    ada.get("/api/auth/me").await.ok(200);
}

type Change = Box<dyn Fn(&Client) -> Call + Send + Sync>;

/// A change of a task locks the task and then its user; the deletion locks the user and then the tasks.
#[sqlx::test]
async fn an_account_is_deleted_while_its_tasks_change(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    // Makes it certain that changes hold the lock of their task when the deletion comes.
    sqlx::raw_sql(
        "create function linger() returns trigger language plpgsql as
             $$ begin perform pg_sleep(0.02); return new; end $$;
         create trigger linger before update on tasks for each row execute function linger()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut changes: Vec<Change> = vec![Box::new(|client| {
        client.post("/api/tasks").header("idempotency-key", "the-same").json(&json!({ "title": "new" }))
    })];
    changes.push(Box::new(|client| client.post("/api/tasks").json(&json!({ "title": "new" }))));
    for number in 0..3 {
        let path = path(&ada.task(&format!("task {number}")).await);
        changes.push(Box::new(move |client| {
            client.patch(&path).json(&json!({ "description": format!("{:?}", std::time::Instant::now()) }))
        }));
    }
    let change_until_refused = |change: Change| {
        let ada = ada.clone();
        async move {
            loop {
                let reply = change(&ada).await;
                if ![200, 201].contains(&reply.status) {
                    return reply;
                }
            }
        }
    };
    let changes: JoinSet<_> = changes.into_iter().map(change_until_refused).collect();

    ada.delete("/api/auth/me").json(&json!({ "current_password": PASSWORD })).await.ok(204);
    for reply in changes.join_all().await {
        // Not found: the change waited for a task that was then deleted.
        assert!([401, 404].contains(&reply.status), "{reply:?}");
    }
    let tables: Vec<String> = sqlx::query_scalar(
        "select conrelid::regclass::text from pg_constraint where contype = 'f' and confrelid = 'users'::regclass",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(tables.len() >= 5, "{tables:?}");
    for table in tables {
        let count = AssertSqlSafe(format!("select count(*) from {table}"));
        assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap(), 0, "{table}");
    }
}

#[sqlx::test]
async fn of_a_deletion_and_a_password_change_one_succeeds(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "a new password" });
    let deletion = json!({ "current_password": PASSWORD });
    let (change, deletion) = tokio::join!(async { ada.post("/api/auth/password").json(&change).await }, async {
        ada.delete("/api/auth/me").json(&deletion).await
    });
    let gone: bool = sqlx::query_scalar("select count(*) = 0 from users").fetch_one(&pool).await.unwrap();
    if gone {
        deletion.ok(204);
        assert!([401, 422].contains(&change.status), "{change:?}");
    } else {
        change.ok(204);
        deletion.expect_field_error("current_password", "is not your");
    }
}
