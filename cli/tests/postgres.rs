//! Real servers, started, stopped and broken.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use sqlx::{Connection, PgConnection};
use todo::postgres::Server;

async fn insert_and_count(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("create table if not exists seen (); insert into seen default values")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query_scalar("select count(*) from seen").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_stopped_and_a_crashed_server_start_again_on_the_same_port() {
    let mut server = Server::throwaway().await.unwrap();
    let url = server.create_database("todo").await.unwrap();
    assert_eq!(insert_and_count(&url).await, 1);

    server.stop().await.unwrap();
    assert!(!server.is_running());
    assert!(PgConnection::connect(&url).await.is_err());

    server.start().await.unwrap();
    assert_eq!(insert_and_count(&url).await, 2);

    server.crash().await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    server.start().await.unwrap();
    assert!(server.is_running());
    PgConnection::connect(&url).await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_so_is_its_directory() {
    let server = Server::throwaway().await.unwrap();
    let url = server.url("postgres");
    let data = server.data_dir().to_owned();
    PgConnection::connect(&url).await.unwrap();
    drop(server);
    assert!(PgConnection::connect(&url).await.is_err());
    assert!(!data.exists());
}

#[tokio::test]
async fn kept_data_is_there_in_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("postgres");
    for run in 1..=2 {
        let server = Server::keeping(kept.clone()).await.unwrap();
        let url = server.create_database("todo").await.unwrap();
        assert_eq!(insert_and_count(&url).await, run);
    }
}

#[tokio::test]
async fn a_server_left_behind_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("postgres");
    let left_over = Server::keeping(kept.clone()).await.unwrap();
    let url = left_over.url("postgres");
    let server = Server::keeping(kept).await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    PgConnection::connect(&server.url("postgres")).await.unwrap();
    drop(left_over);
}

#[tokio::test]
async fn data_of_another_release_is_refused_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("postgres");
    drop(Server::keeping(kept.clone()).await.unwrap());
    std::fs::write(kept.canonicalize().unwrap().join("data/PG_VERSION"), "9\n").unwrap();
    let message = format!("{:#}", Server::keeping(kept).await.unwrap_err());
    assert!(message.contains("made by PostgreSQL 9"), "{message}");
    assert!(message.contains("To start empty, delete"), "{message}");
}

#[tokio::test]
async fn two_servers_do_not_disturb_each_other() {
    let (one, two) = tokio::join!(Server::throwaway(), Server::throwaway());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(insert_and_count(&one.url("postgres")).await, 1);
    assert_eq!(insert_and_count(&two.url("postgres")).await, 1);
}
