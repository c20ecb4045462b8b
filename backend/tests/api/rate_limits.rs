//! Rate limits of wrong passwords.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, PASSWORD, Reply, email, send_concurrently};

#[track_caller]
fn expect_too_many_attempts(reply: &Reply) {
    reply.problem(429, "too_many_attempts");
    let seconds: u32 = reply.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
}

#[sqlx::test]
async fn ten_wrong_passwords_lock_an_account_on_all_replicas(pool: PgPool) {
    let replicas = [App::new(&pool), App::new(&pool)];
    replicas[0].user("ada").await;
    replicas[0].user("bob").await;
    for attempt in 0..10 {
        let address = format!("192.0.2.{attempt}");
        let reply = replicas[attempt % 2].try_sign_in(&email("ada"), "wrong password").sent_from(&address).await;
        reply.problem(401, "invalid_credentials");
    }
    for app in &replicas {
        expect_too_many_attempts(&app.try_sign_in(&email("ada"), "wrong password").await);
        expect_too_many_attempts(&app.try_sign_in(&email("ADA"), PASSWORD).sent_from("198.51.100.7").await);
        app.try_sign_in(&email("bob"), PASSWORD).await.ok(200);
    }
    let pass = "update attempts set resets_at = resets_at - interval '15 minutes'";
    sqlx::query(pass).execute(&pool).await.unwrap();
    replicas[1].try_sign_in(&email("ada"), PASSWORD).await.ok(200);
}

#[sqlx::test]
async fn an_account_that_does_not_exist_is_limited_like_one_that_does(pool: PgPool) {
    let app = App::new(&pool);
    for _ in 0..10 {
        app.try_sign_in(&email("nobody"), PASSWORD).await.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&app.try_sign_in(&email("nobody"), PASSWORD).await);
}

#[sqlx::test]
async fn concurrent_attempts_are_all_counted(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    let replies = send_concurrently((0..20).map(|_| app.try_sign_in(&email("ada"), "wrong password"))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    assert_eq!(replies.iter().filter(|reply| reply.status == 429).count(), 10);
}

#[sqlx::test]
async fn a_correct_password_resets_the_counter_of_the_account(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    for _ in 0..3 {
        for _ in 0..9 {
            app.try_sign_in(&email("ada"), "wrong password").await.problem(401, "invalid_credentials");
        }
        app.try_sign_in(&email("ada"), PASSWORD).await.ok(200);
    }
}

#[sqlx::test]
async fn a_stolen_session_cannot_guess_the_password(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for attempt in 0..10 {
        let form = json!({ "current_password": "a wrong guess", "new_password": PASSWORD, "email": "x@example.com" });
        let mut fields = form.as_object().unwrap().clone();
        if attempt % 2 == 0 {
            fields.remove("email");
            ada.post("/api/auth/password")
                .json(&fields.into())
                .await
                .expect_field_error("current_password", "is not your current");
        } else {
            fields.remove("new_password");
            ada.patch("/api/auth/me")
                .json(&fields.into())
                .await
                .expect_field_error("current_password", "is not your current");
        }
    }
    let form = json!({ "current_password": PASSWORD, "new_password": "a new password" });
    expect_too_many_attempts(&ada.post("/api/auth/password").json(&form).await);
    let form = json!({ "current_password": PASSWORD, "email": "x@example.com" });
    expect_too_many_attempts(&ada.patch("/api/auth/me").json(&form).await);
    ada.get("/api/auth/me").await.ok(200);
}

/// Each of the hundred attempts is on another account. With one trusted proxy, the address of the client is the last in
/// `X-Forwarded-For`; the client can choose all others.
#[sqlx::test]
async fn a_hundred_wrong_passwords_lock_an_address(pool: PgPool) {
    let app = App::with_settings(&pool, &[("TRUSTED_PROXY_HOPS", "1")]);
    app.user("ada").await;
    let attempt =
        |name: &str, forwarded: &str| app.try_sign_in(&email(name), PASSWORD).header("x-forwarded-for", forwarded);
    for number in 0..100 {
        let reply = attempt(&format!("nobody-{number}"), &format!("10.0.0.{number}, 203.0.113.7")).await;
        reply.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&attempt("ada", "203.0.113.7").await);
    expect_too_many_attempts(&attempt("ada", "203.0.113.8, 203.0.113.7").await);
    attempt("ada", "203.0.113.7, 203.0.113.8").await.ok(200);
    // Without a trusted proxy, the header is ignored.
    let direct = App::new(&pool);
    direct.try_sign_in(&email("ada"), PASSWORD).header("x-forwarded-for", "203.0.113.7").await.ok(200);
}
