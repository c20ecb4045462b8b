//! The `migrate` subcommand: several at once, before the database can be reached, and on the schema of a newer release.

use reqwest::StatusCode;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::support::{Backend, User, migrate, url};

#[sqlx::test(migrations = false)]
async fn concurrent_migrations_succeed(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    tokio::join!(migrate(&url), migrate(&url), migrate(&url), migrate(&url));
    let backend = Backend::start_ready(&url, &[]).await;
    User::sign_up(&backend.url).await;
}

/// In a cluster that starts, the first packets may reach nothing, or something that hangs up at once.
#[sqlx::test(migrations = false)]
async fn a_database_that_cannot_be_reached_yet_gets_time(_: PgPoolOptions, options: PgConnectOptions) {
    let port = refuse_once_then_forward(&options).await;
    migrate(&url(&options.host("127.0.0.1").port(port))).await;
}

/// A proxy that closes its first connection without an answer. Returns its port.
async fn refuse_once_then_forward(options: &PgConnectOptions) -> u16 {
    let server = (options.get_host().to_owned(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        // An error is the client's to report.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    });
    port
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
