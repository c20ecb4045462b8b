//! Deleting an account.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, PASSWORD};

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
