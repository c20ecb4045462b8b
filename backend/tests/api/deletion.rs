//! Deleting the account.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, PASSWORD};

#[sqlx::test]
async fn everything_of_the_account_goes_and_nothing_else(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let elsewhere = app.sign_in("ada", PASSWORD).await;
    let token = app.bearer(ada.token("script").await["token"].as_str().unwrap());
    ada.task("to be gone").await;
    let bystander = app.user("bea").await;
    bystander.task("to stay").await;

    let reply = ada.delete("/api/auth/me").json(&json!({ "current_password": PASSWORD })).await;
    reply.ok(204);
    assert!(reply.header("set-cookie").contains("Max-Age=0"), "{reply:?}");

    for gone in [&ada, &elsewhere, &token] {
        gone.get("/api/tasks").await.problem(401, "unauthorized");
    }
    app.try_sign_in("ada@example.com", PASSWORD).await.problem(401, "invalid_credentials");
    let counts = "select (select count(*) from users) || ' ' || (select count(*) from tasks) || ' ' ||
        (select count(distinct user_id) from credentials) || ' ' || (select count(distinct user_id) from task_events)";
    let left: String = sqlx::query_scalar(counts).fetch_one(&pool).await.unwrap();
    assert_eq!(left, "1 1 1 1");
    assert_eq!(bystander.get("/api/tasks").await.ok(200)["counts"]["all"], 1);
    // The address is free again.
    app.user("ada").await;
}

#[sqlx::test]
async fn only_a_session_with_the_password_may_do_it(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for (form, field, rule) in [
        (json!({ "current_password": "wrong" }), "current_password", "is not your"),
        (json!({}), "current_password", "is required"),
        (json!({ "current_password": PASSWORD, "really": true }), "really", "is not a known field"),
    ] {
        ada.delete("/api/auth/me").json(&form).await.breaks(field, rule);
    }
    let form = json!({ "current_password": PASSWORD });
    let token = app.bearer(ada.token("script").await["token"].as_str().unwrap());
    token.delete("/api/auth/me").json(&form).await.problem(403, "session_required");
    app.anonymous().delete("/api/auth/me").json(&form).await.problem(401, "unauthorized");
    ada.get("/api/auth/me").await.ok(200);
}
