//! Credentials that a process remembers.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use crate::support::{App, Client, PASSWORD, ids};

/// A credential that has ended elsewhere is refused after at most this time, even if nobody says so.
const LIMIT: Duration = Duration::from_secs(1);
/// Much longer than a replica takes to begin to remember.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A replica that remembers credentials, as the service does.
fn replica(pool: &PgPool) -> App {
    let app = App::new(pool);
    tokio::spawn(app.state.accounts.clone().cache_credentials());
    app
}

/// Whether the database was asked for a credential since the last call, which then writes `last_used_at`.
async fn was_asked(pool: &PgPool) -> bool {
    let asked: i64 = sqlx::query_scalar("select count(*) from credentials where last_used_at is not null")
        .fetch_one(pool)
        .await
        .unwrap();
    sqlx::query("update credentials set last_used_at = null").execute(pool).await.unwrap();
    asked > 0
}

/// Waits until the replica answers this client's requests without asking the database who sends them.
async fn until_remembered(pool: &PgPool, client: &Client) {
    let remembered = async {
        loop {
            client.get("/api/tasks").await.ok(200);
            was_asked(pool).await;
            client.get("/api/tasks").await.ok(200);
            if !was_asked(pool).await {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, remembered).await.expect("the replica remembers the credential");
}

async fn expect_refusal_in_time(client: &Client, ended_at: Instant) {
    while client.get("/api/tasks").await.status != 401 {
        assert!(ended_at.elapsed() < LIMIT, "a credential is still accepted after {:?}", ended_at.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
}

#[sqlx::test]
async fn a_credential_that_ends_on_another_replica_is_refused_within_a_second(pool: PgPool) {
    let (here, elsewhere) = (replica(&pool), replica(&pool));
    let ada = here.user("ada").await;
    let program = here.token_client(&ada).await;
    let phone = here.sign_in("ada", PASSWORD).await;
    for client in [&ada, &program, &phone] {
        until_remembered(&pool, client).await;
    }
    let ada_elsewhere = ada.on(&elsewhere);
    let tokens = ada_elsewhere.get("/api/auth/tokens").await.ok(200)["tokens"].clone();
    ada_elsewhere.delete(&format!("/api/auth/tokens/{}", ids(&tokens)[0])).await.ok(204);
    expect_refusal_in_time(&program, Instant::now()).await;
    ada_elsewhere.delete("/api/auth/sessions").await.ok(204);
    expect_refusal_in_time(&phone, Instant::now()).await;
    ada_elsewhere.post("/api/auth/sign-out").await.ok(204);
    expect_refusal_in_time(&ada, Instant::now()).await;
}

/// The replica does without the database's notification, which comes a moment later.
#[sqlx::test]
async fn a_credential_that_ends_on_the_same_replica_is_refused_at_once(pool: PgPool) {
    let app = replica(&pool);
    let ada = app.user("ada").await;
    sqlx::query("alter table credentials disable trigger credential_ended").execute(&pool).await.unwrap();
    let phone = app.sign_in("ada", PASSWORD).await;
    until_remembered(&pool, &phone).await;
    ada.delete("/api/auth/sessions").await.ok(204);
    phone.get("/api/tasks").await.problem(401, "unauthorized");

    let program = app.token_client(&ada).await;
    until_remembered(&pool, &program).await;
    let tokens = ada.get("/api/auth/tokens").await.ok(200)["tokens"].clone();
    ada.delete(&format!("/api/auth/tokens/{}", ids(&tokens)[0])).await.ok(204);
    program.get("/api/tasks").await.problem(401, "unauthorized");

    until_remembered(&pool, &ada).await;
    ada.post("/api/auth/sign-out").await.ok(204);
    ada.get("/api/tasks").await.problem(401, "unauthorized");
}

/// Without notifications, nothing is remembered.
#[sqlx::test]
async fn a_credential_is_refused_in_time_when_the_listener_is_cut_off(pool: PgPool) {
    let app = replica(&pool);
    let ada = app.user("ada").await;
    until_remembered(&pool, &ada).await;
    sqlx::query("alter table credentials disable trigger credential_ended").execute(&pool).await.unwrap();
    let cut_off = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query ilike 'listen%credentials%'",
    );
    assert_eq!(cut_off.execute(&pool).await.unwrap().rows_affected(), 1);
    sqlx::query("delete from credentials").execute(&pool).await.unwrap();
    expect_refusal_in_time(&ada, Instant::now()).await;
}
