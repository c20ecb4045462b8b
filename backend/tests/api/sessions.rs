//! Listing and ending sessions.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, PASSWORD, email, ids, send_concurrently};

#[sqlx::test]
async fn sessions_are_listed_newest_first_with_the_current_one_marked(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    app.user("eve").await;
    let form = json!({ "email": email("ada"), "password": PASSWORD });
    let reply = app.anonymous().post("/api/auth/sign-in").header("user-agent", "Browser/1").json(&form).await;
    let phone = app.session(&reply);

    let sessions = phone.get("/api/auth/sessions").await.ok(200)["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    assert_eq!(sessions[0]["user_agent"], "Browser/1");
    assert_eq!(sessions[0]["current"], true);
    assert_eq!(sessions[1]["user_agent"], json!(null));
    assert_eq!(sessions[1]["current"], false);
    for session in sessions.as_array().unwrap() {
        for time in ["created_at", "last_used_at", "expires_at"] {
            assert!(session[time].as_str().unwrap().ends_with('Z'), "{session}");
        }
        assert_eq!(session.as_object().unwrap().len(), 6, "{session}");
    }
    let seen_by_ada = ada.get("/api/auth/sessions").await.ok(200)["sessions"].clone();
    assert_eq!(ids(&seen_by_ada), ids(&sessions));
    assert_eq!(seen_by_ada[1]["current"], true);
}

#[sqlx::test]
async fn one_session_can_be_ended(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let [newest, oldest] = &ids(&ada.get("/api/auth/sessions").await.ok(200)["sessions"])[..] else {
        panic!("not two")
    };

    ada.delete(&format!("/api/auth/sessions/{newest}")).await.ok(204);
    phone.get("/api/auth/me").await.problem(401, "unauthorized");
    ada.delete(&format!("/api/auth/sessions/{newest}")).await.problem(404, "not_found");
    ada.delete(&format!("/api/auth/sessions/{oldest}")).await.ok(204);
    ada.get("/api/auth/me").await.problem(401, "unauthorized");
}

#[sqlx::test]
async fn all_other_sessions_can_be_ended_together(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let program = app.token_client(&ada).await;
    let eve = app.user("eve").await;

    ada.delete("/api/auth/sessions").await.ok(204);
    phone.get("/api/auth/me").await.problem(401, "unauthorized");
    for signed_in in [ada, program, eve] {
        signed_in.get("/api/auth/me").await.ok(200);
    }
}

/// A person who signs in wants the new session. The one that was not used for longest ends.
#[sqlx::test]
async fn a_new_session_ends_the_least_recently_used_one_over_the_quota(pool: PgPool) {
    let app = App::with_settings(&pool, &[("MAX_SESSIONS_PER_USER", "3")]);
    let laptop = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let tablet = app.sign_in("ada", PASSWORD).await;
    let token = app.token_client(&laptop).await;
    let bea = app.user("bea").await;
    sqlx::query("update credentials set last_used_at = now() - interval '1 hour'").execute(&pool).await.unwrap();
    laptop.get("/api/auth/me").await.ok(200);
    tablet.get("/api/auth/me").await.ok(200);

    let newest = app.sign_in("ada", PASSWORD).await;
    phone.get("/api/auth/me").await.problem(401, "unauthorized");
    for client in [laptop, tablet, token, bea, newest] {
        client.get("/api/auth/me").await.ok(200);
    }
}

#[sqlx::test]
async fn concurrent_sign_ins_keep_the_quota(pool: PgPool) {
    let app = App::with_settings(&pool, &[("MAX_SESSIONS_PER_USER", "3")]);
    app.user("ada").await;
    for reply in send_concurrently((0..8).map(|_| app.try_sign_in(&email("ada"), PASSWORD))).await {
        reply.ok(200);
    }
    let sessions: i64 = sqlx::query_scalar("select count(*) from credentials").fetch_one(&pool).await.unwrap();
    assert_eq!(sessions, 3);
}

#[sqlx::test]
async fn an_expired_session_is_refused(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada", PASSWORD).await;
    let newest = ids(&ada.get("/api/auth/sessions").await.ok(200)["sessions"])[0].clone();
    sqlx::query("update credentials set expires_at = now() - interval '1 second' where id = $1::uuid")
        .bind(&newest)
        .execute(&pool)
        .await
        .unwrap();

    phone.get("/api/auth/me").await.problem(401, "unauthorized");
    assert_eq!(ada.get("/api/auth/sessions").await.ok(200)["sessions"].as_array().unwrap().len(), 1);
}

#[sqlx::test]
async fn last_use_is_updated_at_most_once_a_minute(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let last_used = async || {
        ada.get("/api/auth/sessions").await.ok(200)["sessions"][0]["last_used_at"].as_str().unwrap().to_owned()
    };
    let first = last_used().await;
    assert_eq!(last_used().await, first);
    sqlx::query("update credentials set last_used_at = last_used_at - interval '61 seconds'")
        .execute(&pool)
        .await
        .unwrap();
    last_used().await;
    assert!(last_used().await > first);
}
