//! The `migrate` subcommand: several at once, and on the schema of a newer release.

use reqwest::StatusCode;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::support::{Backend, User, migrate, url};

#[sqlx::test(migrations = false)]
async fn concurrent_migrations_succeed(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    tokio::join!(migrate(&url), migrate(&url), migrate(&url), migrate(&url));
    let backend = Backend::start_ready(&url, &[]).await;
    User::sign_up(&backend.url).await;
}

/// After `helm rollback`, the older program runs on the schema of the newer one.
#[sqlx::test(migrations = false)]
async fn a_schema_of_a_newer_release_is_accepted(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let pool = PgPool::connect_with(options).await.unwrap();
    let statements = "alter table users add column from_the_future text;
        insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (999999, 'from the future', true, '\\x00', 0)";
    sqlx::raw_sql(statements).execute(&pool).await.unwrap();

    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    user.create(&backend.url, "written by the older release").await;
    assert_eq!(user.get(format!("{}/api/tasks", backend.url)).await.status(), StatusCode::OK);
}

#[sqlx::test(migrations = false)]
async fn a_changed_migration_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let pool = PgPool::connect_with(options).await.unwrap();
    sqlx::query("update _sqlx_migrations set checksum = '\\x00'").execute(&pool).await.unwrap();
    let output = Backend::command("migrate", &url).output().await.unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("migration failed: migration 1"), "{output:?}");
}
