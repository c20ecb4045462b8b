//! Signing up, in and out, the profile, and the password.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::support::{App, Client, PASSWORD, email, send_concurrently};

const NEW_PASSWORD: &str = "battery staple horse";

#[sqlx::test]
async fn signing_up_creates_an_account_and_a_session(pool: PgPool) {
    let app = App::new(&pool);
    let form = json!({ "email": "  Ada.Lovelace@Example.COM ", "password": PASSWORD, "name": "  Ada  " });
    let reply = app.anonymous().post("/api/auth/sign-up").json(&form).await;

    let user = reply.ok(201);
    assert_eq!(user["email"], "ada.lovelace@example.com");
    assert_eq!(user["name"], "Ada");
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'), "{user}");
    assert_eq!(user.as_object().unwrap().len(), 4, "{user}");
    assert_eq!(app.session(&reply).get("/api/auth/me").await.ok(200), user);
}

#[sqlx::test]
async fn the_session_cookie_is_http_only_and_same_site(pool: PgPool) {
    for (settings, secure) in [(&[][..], false), (&[("COOKIE_SECURE", "true")][..], true)] {
        let app = App::with_settings(&pool, settings);
        let form = json!({ "email": email(&format!("secure-{secure}")), "password": PASSWORD });
        let reply = app.anonymous().post("/api/auth/sign-up").json(&form).await;
        let cookie = reply.header("set-cookie");
        let (value, attributes) = cookie.split_once("; ").unwrap();
        assert!(value.starts_with("todo_session=todo_") && value.len() > 40, "{cookie}");
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        let mut expected = vec!["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"];
        expected.extend(secure.then_some("Secure"));
        assert_eq!(attributes, expected);
    }
}

#[sqlx::test]
async fn invalid_sign_ups_are_refused_by_field(pool: PgPool) {
    let app = App::new(&pool);
    app.user("taken").await;
    let long_email = format!("{}@example.com", "a".repeat(243));
    for (email, password, name, field, rule) in [
        (json!("not an address"), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!("a@localhost"), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!("Ada <a@example.com>"), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!("a\u{0}@example.com"), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!(""), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!(long_email), json!(PASSWORD), Value::Null, "email", "must be an e-mail address"),
        (json!(7), json!(PASSWORD), Value::Null, "email", "invalid type"),
        (Value::Null, json!(PASSWORD), Value::Null, "email", "invalid type"),
        (json!("a@example.com"), json!("ninechars"), Value::Null, "password", "must be 10 to 128 characters"),
        (json!("a@example.com"), json!("é".repeat(9)), Value::Null, "password", "must be 10 to 128 characters"),
        (json!("a@example.com"), json!("x".repeat(129)), Value::Null, "password", "must be 10 to 128 characters"),
        (json!("a@example.com"), json!(PASSWORD), json!("é".repeat(101)), "name", "at most 100 characters"),
        (json!("a@example.com"), json!(PASSWORD), json!("a\nb"), "name", "without control characters"),
        (json!("a@example.com"), json!(PASSWORD), json!(["a"]), "name", "invalid type"),
    ] {
        let form = json!({ "email": email, "password": password, "name": name });
        app.anonymous().post("/api/auth/sign-up").json(&form).await.expect_field_error(field, rule);
    }
    for (form, field, rule) in [
        (json!({ "password": PASSWORD }), "email", "is required"),
        (json!({ "email": "a@example.com" }), "password", "is required"),
        (json!({ "email": "a@example.com", "password": PASSWORD, "admin": true }), "admin", "is not a known field"),
    ] {
        app.anonymous().post("/api/auth/sign-up").json(&form).await.expect_field_error(field, rule);
    }
    let all_wrong = json!({ "email": "", "password": "", "name": "\n\u{7}" });
    let problem = app.anonymous().post("/api/auth/sign-up").json(&all_wrong).await.problem(422, "validation");
    assert_eq!(crate::support::pluck(&problem["errors"], "field"), ["email", "password", "name"]);

    let again = json!({ "email": "TAKEN@example.com", "password": PASSWORD });
    let problem = app.anonymous().post("/api/auth/sign-up").json(&again).await.problem(409, "conflict");
    assert_eq!(problem["errors"][0]["field"], "email");
}

/// No account may remain that its owner believes was refused.
#[sqlx::test]
async fn a_sign_up_without_a_session_leaves_no_account(pool: PgPool) {
    let app = App::new(&pool);
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
         create trigger refuse before insert on credentials for each row execute function refuse()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let form = json!({ "email": email("ada"), "password": PASSWORD });
    app.anonymous().post("/api/auth/sign-up").json(&form).await.problem(500, "internal");
    sqlx::raw_sql("drop trigger refuse on credentials").execute(&pool).await.unwrap();
    app.user("ada").await;
}

#[sqlx::test]
async fn values_at_the_length_limits_are_accepted(pool: PgPool) {
    let app = App::new(&pool);
    let password = "é".repeat(128);
    let form = json!({ "email": "long@example.com", "password": password, "name": "🦀".repeat(100) });
    app.anonymous().post("/api/auth/sign-up").json(&form).await.ok(201);
    app.sign_in("long", &password).await;
    let short = json!({ "email": "short@example.com", "password": "🦀".repeat(10), "name": "" });
    assert_eq!(app.anonymous().post("/api/auth/sign-up").json(&short).await.ok(201)["name"], Value::Null);
}

#[sqlx::test]
async fn sign_in_does_not_reveal_whether_an_account_exists(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    let mut bodies = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("ada@example.com", ""),
        ("ada@example.com", &"x".repeat(129)),
    ] {
        let reply = app.try_sign_in(email, password).await;
        assert!(reply.headers.get("set-cookie").is_none());
        let mut problem = reply.problem(401, "invalid_credentials");
        problem.as_object_mut().unwrap().remove("request_id");
        bodies.push(problem);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:#?}");
    app.try_sign_in("  ADA@example.com", PASSWORD).await.ok(200);
}

/// One client sends é as one character, another as a letter and its accent.
#[sqlx::test]
async fn an_address_is_the_same_in_any_unicode_form(pool: PgPool) {
    let app = App::new(&pool);
    let sign_up = |email: &str| {
        let form = json!({ "email": email, "password": PASSWORD });
        app.anonymous().post("/api/auth/sign-up").json(&form)
    };
    sign_up("rene\u{301}@example.com").await.ok(201);
    app.try_sign_in("ren\u{e9}@example.com", PASSWORD).await.ok(200);
    app.try_sign_in("RENE\u{301}@example.com", PASSWORD).await.ok(200);
    sign_up("ren\u{e9}@example.com").await.ok(409);
}

#[sqlx::test]
async fn signing_out_ends_the_session_and_deletes_the_cookie(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let other_session = app.sign_in("ada", PASSWORD).await;

    let reply = ada.post("/api/auth/sign-out").await;
    reply.ok(204);
    let cookie = reply.header("set-cookie");
    assert!(cookie.starts_with("todo_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    ada.get("/api/auth/me").await.problem(401, "unauthorized");
    ada.post("/api/auth/sign-out").await.problem(401, "unauthorized");
    other_session.get("/api/auth/me").await.ok(200);
}

#[sqlx::test]
async fn a_profile_patch_changes_only_the_given_fields(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for (patch, email, name) in [
        (json!({}), "ada@example.com", json!("ada")),
        (json!({ "name": " Countess " }), "ada@example.com", json!("Countess")),
        (json!({ "email": " ADA@example.com" }), "ada@example.com", json!("Countess")),
        (json!({ "name": null }), "ada@example.com", Value::Null),
        (json!({ "email": "new@example.com", "current_password": PASSWORD }), "new@example.com", Value::Null),
    ] {
        let user = ada.patch("/api/auth/me").json(&patch).await.ok(200);
        assert_eq!((&user["email"], &user["name"]), (&json!(email), &name), "{patch}");
        assert_eq!(ada.get("/api/auth/me").await.ok(200), user);
    }
    app.sign_in("new", PASSWORD).await;
    app.try_sign_in("ada@example.com", PASSWORD).await.problem(401, "invalid_credentials");
}

#[sqlx::test]
async fn invalid_profile_patches_are_refused_and_change_nothing(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    app.user("taken").await;
    let before = ada.get("/api/auth/me").await.ok(200);
    for (patch, field, rule) in [
        (json!({ "email": "nonsense", "current_password": PASSWORD }), "email", "must be an e-mail address"),
        (json!({ "email": "new@example.com" }), "current_password", "is required"),
        (json!({ "email": "new@example.com", "current_password": "wrong" }), "current_password", "is not your"),
        (json!({ "email": "new@example.com", "current_password": "x".repeat(129) }), "current_password", "is not your"),
        (json!({ "name": "x".repeat(101), "email": "ada@example.com" }), "name", "at most 100 characters"),
        (json!({ "id": "0199" }), "id", "is not a known field"),
        (json!({ "name": 1 }), "name", "invalid type"),
    ] {
        ada.patch("/api/auth/me").json(&patch).await.expect_field_error(field, rule);
    }
    let taken = json!({ "name": "x", "email": "Taken@example.com", "current_password": PASSWORD });
    ada.patch("/api/auth/me").json(&taken).await.problem(409, "conflict");
    assert_eq!(ada.get("/api/auth/me").await.ok(200), before);
}

#[sqlx::test]
async fn a_new_password_ends_every_other_session_but_no_token(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let other_session = app.sign_in("ada", PASSWORD).await;
    let program = app.token_client(&ada).await;
    let other_user = app.user("bea").await;

    let form = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    ada.post("/api/auth/password").json(&form).await.ok(204);

    ada.get("/api/auth/me").await.ok(200);
    other_session.get("/api/auth/me").await.problem(401, "unauthorized");
    program.get("/api/tasks").await.ok(200);
    other_user.get("/api/auth/me").await.ok(200);
    app.try_sign_in("ada@example.com", PASSWORD).await.problem(401, "invalid_credentials");
    app.sign_in("ada", NEW_PASSWORD).await;
}

/// Programs sign in all the time with the old password. Some have their password checked before the change, and their
/// session inserted after it.
#[sqlx::test]
async fn a_new_password_ends_sessions_whose_sign_in_was_under_way(pool: PgPool) {
    let app = Arc::new(App::with_settings(&pool, &[("PASSWORD_HASH_CONCURRENCY", "1")]));
    let ada = app.user("ada").await;
    let sign_in_until_refused = |number: u8| {
        let app = Arc::clone(&app);
        async move {
            let mut sessions = Vec::new();
            loop {
                let sign_in = app.try_sign_in(&email("ada"), PASSWORD).sent_from(&format!("192.0.2.{number}"));
                let reply = sign_in.await;
                if reply.status != 200 {
                    reply.problem(401, "invalid_credentials");
                    return sessions;
                }
                sessions.push(app.session(&reply));
            }
        }
    };
    let programs: JoinSet<_> = (10..18).map(sign_in_until_refused).collect();
    let form = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    ada.post("/api/auth/password").json(&form).await.ok(204);
    for session in programs.join_all().await.into_iter().flatten() {
        session.get("/api/auth/me").await.problem(401, "unauthorized");
    }
    assert_eq!(ada.get("/api/auth/sessions").await.ok(200)["sessions"].as_array().unwrap().len(), 1);
}

/// The second was checked against a password that is not the current one any more.
#[sqlx::test]
async fn of_two_concurrent_password_changes_one_succeeds(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let change = |client: &Client, new_password: &str| {
        let form = json!({ "current_password": PASSWORD, "new_password": new_password });
        client.post("/api/auth/password").json(&form)
    };
    let replies = send_concurrently([change(&ada, "first new password"), change(&phone, "second new password")]).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422], "{replies:?}");
    let sessions: i64 = sqlx::query_scalar("select count(*) from credentials").fetch_one(&pool).await.unwrap();
    assert_eq!(sessions, 1);
}

#[sqlx::test]
async fn invalid_password_changes_are_refused_and_change_nothing(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let other_session = app.sign_in("ada", PASSWORD).await;
    for (form, field, rule) in [
        (json!({ "current_password": "wrong", "new_password": NEW_PASSWORD }), "current_password", "is not your"),
        (json!({ "current_password": PASSWORD, "new_password": "short" }), "new_password", "10 to 128"),
        (json!({ "current_password": PASSWORD, "new_password": "x".repeat(129) }), "new_password", "10 to 128"),
        (json!({ "current_password": PASSWORD }), "new_password", "is required"),
        (json!({ "new_password": NEW_PASSWORD }), "current_password", "is required"),
        (json!({ "password": PASSWORD }), "password", "is not a known field"),
    ] {
        ada.post("/api/auth/password").json(&form).await.expect_field_error(field, rule);
    }
    other_session.get("/api/auth/me").await.ok(200);
    app.sign_in("ada", PASSWORD).await;
}
