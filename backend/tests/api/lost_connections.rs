//! Connections to the database that end between two requests.

use std::time::Duration;

use sqlx::PgPool;
use todo_backend::db::Database;

use crate::support::{App, path};

/// The connection was used just now, so that it is not asked whether it is ready.
#[sqlx::test]
async fn a_read_is_repeated_when_its_connection_is_lost(pool: PgPool) {
    let url = sqlx::ConnectOptions::to_url_lossy(&*pool.connect_options()).to_string().into();
    let database = Database::new(&url, 1, Duration::from_secs(10), &[]).unwrap();
    database.probe().await;
    let app = App::with_database(database, &[]);
    let ada = app.user("ada").await;
    let task = ada.task("still there").await;
    for path in ["/api/tasks".to_owned(), path(&task)] {
        for _ in 0..10 {
            ada.get(&path).await.ok(200);
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and application_name = 'todo-backend'",
            )
            .execute(&pool)
            .await
            .unwrap();
            ada.get(&path).await.ok(200);
        }
    }
}
