//! API tokens.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, Client, ids, pluck, send_concurrently};

#[sqlx::test]
async fn a_token_is_shown_once_and_works_as_a_bearer_token(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let created = ada.post("/api/auth/tokens").json(&json!({ "name": "  my script " })).await.ok(201);
    assert_eq!(created["name"], "my script");
    assert_eq!((&created["last_used_at"], &created["expires_at"]), (&Value::Null, &Value::Null));
    let secret = created["token"].as_str().unwrap();
    assert!(secret.starts_with("todo_") && secret.len() == 48, "{secret}");

    let program = app.bearer(secret);
    program.post("/api/tasks").json(&json!({ "title": "by program" })).await.ok(201);
    assert_eq!(program.get("/api/auth/me").await.ok(200), ada.get("/api/auth/me").await.ok(200));

    let reply = ada.get("/api/auth/tokens").await;
    assert!(!reply.text().contains(secret));
    let listed = reply.ok(200)["tokens"][0].clone();
    assert_eq!(listed["id"], created["id"]);
    assert!(listed["last_used_at"].is_string());
    assert_eq!(listed.as_object().unwrap().len(), 5, "{listed}");
}

#[sqlx::test]
async fn tokens_are_listed_newest_first_and_can_be_revoked(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let first = ada.token("first").await;
    ada.token("second").await;
    let program = app.bearer(first["token"].as_str().unwrap());
    assert_eq!(pluck(&ada.get("/api/auth/tokens").await.ok(200)["tokens"], "name"), ["second", "first"]);

    let path = format!("/api/auth/tokens/{}", first["id"].as_str().unwrap());
    ada.delete(&path).await.ok(204);
    program.get("/api/tasks").await.problem(401, "unauthorized");
    ada.delete(&path).await.problem(404, "not_found");
    assert_eq!(pluck(&ada.get("/api/auth/tokens").await.ok(200)["tokens"], "name"), ["second"]);
}

#[sqlx::test]
async fn an_expired_token_is_refused(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let created = ada.post("/api/auth/tokens").json(&json!({ "name": "short", "expires_in_days": 1 })).await.ok(201);
    let program = app.bearer(created["token"].as_str().unwrap());
    program.get("/api/tasks").await.ok(200);

    let expire = "update credentials set expires_at = expires_at - interval '1 day' where kind = 'token'";
    sqlx::query(expire).execute(&pool).await.unwrap();
    program.get("/api/tasks").await.problem(401, "unauthorized");
    assert_eq!(ids(&ada.get("/api/auth/tokens").await.ok(200)["tokens"]), [""; 0]);
}

#[sqlx::test]
async fn the_number_of_tokens_is_limited_also_for_concurrent_requests(pool: PgPool) {
    let app = App::with_settings(&pool, &[("MAX_TOKENS_PER_USER", "3")]);
    let ada = app.user("ada").await;
    let create = |client: &Client| client.post("/api/auth/tokens").json(&json!({ "name": "t" }));
    let replies = send_concurrently((0..8).map(|_| create(&ada))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 3);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        let problem = refused.problem(409, "quota_reached");
        assert_eq!(problem["errors"][0]["field"], "max_tokens_per_user", "{problem}");
        assert!(problem["errors"][0]["rule"].as_str().unwrap().contains("at most 3"), "{problem}");
    }
    create(&app.user("bea").await).await.ok(201);

    // Tokens that have expired or were revoked do not count.
    let tokens = ids(&ada.get("/api/auth/tokens").await.ok(200)["tokens"]);
    ada.delete(&format!("/api/auth/tokens/{}", tokens[0])).await.ok(204);
    sqlx::query("update credentials set expires_at = now() - interval '1 second' where id = $1::uuid")
        .bind(&tokens[1])
        .execute(&pool)
        .await
        .unwrap();
    create(&ada).await.ok(201);
    create(&ada).await.ok(201);
    create(&ada).await.problem(409, "quota_reached");
}

#[sqlx::test]
async fn invalid_tokens_are_refused_by_field(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for (form, field, rule) in [
        (json!({}), "name", "is required"),
        (json!({ "name": " " }), "name", "must be 1 to 100 characters"),
        (json!({ "name": "é".repeat(101) }), "name", "must be 1 to 100 characters"),
        (json!({ "name": "a\u{0}b" }), "name", "without control characters"),
        (json!({ "name": "a", "expires_in_days": 0 }), "expires_in_days", "must be 1 to 3650"),
        (json!({ "name": "a", "expires_in_days": 3651 }), "expires_in_days", "must be 1 to 3650"),
        (json!({ "name": "a", "expires_in_days": -1 }), "expires_in_days", "must be 1 to 3650"),
        (json!({ "name": "a", "expires_in_days": 1.5 }), "expires_in_days", "is not valid"),
        (json!({ "name": "a", "expires_in_days": 1_u64 << 40 }), "expires_in_days", "is not valid"),
        (json!({ "name": "a", "scope": "all" }), "scope", "is not a known field"),
    ] {
        ada.post("/api/auth/tokens").json(&form).await.expect_field_error(field, rule);
    }
    ada.post("/api/auth/tokens").json(&json!({ "name": "🦀".repeat(100), "expires_in_days": 3650 })).await.ok(201);
}

/// The database contains neither tokens nor passwords, neither as text nor in hexadecimal.
#[sqlx::test]
async fn the_database_contains_no_plaintext_secret(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let (_, cookie) = ada.credential.clone().unwrap();
    let secrets =
        [ada.token("t").await["token"].as_str().unwrap().to_owned(), cookie.split_once('=').unwrap().1.to_owned()];
    let tables: Vec<String> =
        sqlx::query_scalar("select table_name::text from information_schema.tables where table_schema = 'public'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert!(tables.len() >= 6, "{tables:?}");
    for table in tables {
        let dump = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let dump: String = sqlx::query_scalar(sqlx::AssertSqlSafe(dump)).fetch_one(&pool).await.unwrap();
        for secret in secrets.iter().map(String::as_str).chain([crate::support::PASSWORD]) {
            let hex = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert!(!dump.contains(secret) && !dump.contains(&hex), "a secret is in {table}");
        }
    }
}
