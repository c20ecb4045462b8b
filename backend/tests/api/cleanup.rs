//! The clean-up of expired rows.

use std::collections::BTreeMap;

use sqlx::PgPool;
use todo_backend::server::cleanup::remove_expired;

use crate::support::{App, path};

/// Inserts a row that has just expired and a row that expires soon into every table with expiry.
async fn insert_rows(pool: &PgPool) {
    let ada = App::new(pool).user("ada").await;
    let task = ada.task("a").await;
    ada.task("b").await;
    ada.delete(&path(&task)).await.ok(204);
    sqlx::raw_sql(
        "truncate task_events, attempts, idempotency_keys;
         delete from credentials;
         insert into credentials (id, user_id, kind, token_hash, name, expires_at)
           select gen_random_uuid(), users.id, kind, sha256(format('%s %s', kind, age)::bytea), age::text, now() - age
           from users, unnest(array['session', 'token']) kind,
             unnest(array['1 second', '-1 minute', null]::interval[]) age;
         insert into attempts select sha256(age::text::bytea), 1, now() - age
           from unnest(array['1 second', '-1 minute']::interval[]) age;
         insert into idempotency_keys (user_id, key, fingerprint, created_at) select id, age, '', now() - age
           from users, unnest(array['24 hours 1 second', '23 hours 59 minutes']::interval[]) age;
         insert into task_events select id, row_number() over (), 'created', '{}', now() - age
           from users, unnest(array['1 hour 1 second', '59 minutes']::interval[]) age;
         insert into conversations (id, user_id, title) select gen_random_uuid(), id, 'a' from users;
         insert into conversation_events select id, row_number() over (), 'text_delta', '{}', now() - age
           from conversations, unnest(array['24 hours 1 second', '23 hours 59 minutes']::interval[]) age;
         insert into tasks (id, user_id, title, deleted_at) select gen_random_uuid(), id, age, now() - age
           from users, unnest(array['24 hours 1 second', '23 hours 59 minutes']::interval[]) age;
         delete from task_events where seq > 2;",
    )
    .execute(pool)
    .await
    .unwrap();
}

async fn row_counts(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select 'attempts', count(*) from attempts union all select 'credentials', count(*) from credentials
         union all select 'conversation_events', count(*) from conversation_events
         union all select 'idempotency_keys', count(*) from idempotency_keys
         union all select 'task_events', count(*) from task_events
         union all select 'tasks', count(*) from tasks
         union all select 'users', count(*) from users order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

fn expected_counts(expected: [(&str, i64); 7]) -> Vec<(String, i64)> {
    expected.map(|(table, rows)| (table.to_owned(), rows)).to_vec()
}

#[sqlx::test]
async fn only_expired_rows_are_removed(pool: PgPool) {
    insert_rows(&pool).await;
    let before = [
        ("attempts", 2),
        ("conversation_events", 2),
        ("credentials", 6),
        ("idempotency_keys", 2),
        ("task_events", 2),
        ("tasks", 4),
        ("users", 1),
    ];
    assert_eq!(row_counts(&pool).await, expected_counts(before));
    assert_eq!(remove_expired(&pool).await.unwrap(), 7);
    let after = [
        ("attempts", 1),
        ("conversation_events", 1),
        ("credentials", 4),
        ("idempotency_keys", 1),
        ("task_events", 1),
        ("tasks", 3),
        ("users", 1),
    ];
    assert_eq!(row_counts(&pool).await, expected_counts(after));
    assert_eq!(remove_expired(&pool).await.unwrap(), 0);
}

#[sqlx::test]
async fn concurrent_clean_ups_remove_each_row_once(pool: PgPool) {
    insert_rows(&pool).await;
    let (a, b, c) = tokio::join!(remove_expired(&pool), remove_expired(&pool), remove_expired(&pool));
    assert_eq!(a.unwrap() + b.unwrap() + c.unwrap(), 7);
}

/// A row that a request has locked does not block the clean-up. The next run removes it.
#[sqlx::test]
async fn locked_rows_are_removed_by_the_next_run(pool: PgPool) {
    insert_rows(&pool).await;
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from attempts for update").execute(&mut *holder).await.unwrap();
    assert_eq!(remove_expired(&pool).await.unwrap(), 6);
    holder.rollback().await.unwrap();
    assert_eq!(remove_expired(&pool).await.unwrap(), 1);
}

/// Records how many rows each statement deletes. A session notifies its user's streams, which has its own trigger.
const RECORD_DELETIONS: &str = "
    create table deletions (name text, rows bigint);
    create function record_deletion() returns trigger language plpgsql as
        $$ begin insert into deletions select tg_table_name, count(*) from gone; return null; end $$;
    do $$ declare name text; begin
        foreach name in array array['attempts', 'conversation_events', 'credentials', 'idempotency_keys', 'task_events',
                                    'tasks'] loop
            execute format('create trigger recorded after delete on %I referencing old table as gone
                for each statement execute function record_deletion()', name);
        end loop;
    end $$";

#[sqlx::test]
async fn many_expired_rows_are_removed_by_several_statements(pool: PgPool) {
    const ROWS: i64 = 2500;
    App::new(&pool).user("ada").await;
    sqlx::raw_sql(RECORD_DELETIONS).execute(&pool).await.unwrap();
    sqlx::raw_sql(
        "truncate attempts;
         insert into credentials (id, user_id, kind, token_hash, expires_at)
           select gen_random_uuid(), id, 'session', sha256(n::text::bytea), now() - interval '1 day'
           from users, generate_series(1, 2500) n;
         insert into attempts select sha256(n::text::bytea), 1, now() - interval '1 day' from generate_series(1, 2500) n;
         insert into idempotency_keys (user_id, key, fingerprint, created_at) select id, n, '', now() - interval '2 days'
           from users, generate_series(1, 2500) n;
         insert into conversations (id, user_id, title) select gen_random_uuid(), id, 'a' from users;
         insert into conversation_events select id, n, 'text_delta', '{}', now() - interval '2 days'
           from conversations, generate_series(1, 2500) n;
         insert into tasks (id, user_id, title, deleted_at) select gen_random_uuid(), id, 'a', now() - interval '2 days'
           from users, generate_series(1, 2500) n;
         truncate task_events;
         insert into task_events select id, n, 'created', '{}', now() - interval '2 hours'
           from users, generate_series(1, 2500) n;",
    )
    .execute(&pool)
    .await
    .unwrap();

    assert_eq!(remove_expired(&pool).await.unwrap(), 6 * ROWS.unsigned_abs());
    let deletions: Vec<(String, i64)> =
        sqlx::query_as("select name, rows from deletions where rows > 0").fetch_all(&pool).await.unwrap();
    let mut by_table = BTreeMap::<_, Vec<i64>>::new();
    for (table, rows) in deletions {
        by_table.entry(table).or_default().push(rows);
    }
    assert_eq!(by_table.len(), 6, "{by_table:?}");
    for (table, rows) in by_table {
        assert_eq!(rows.iter().sum::<i64>(), ROWS, "{table}");
        assert!(rows.iter().all(|rows| *rows <= 1000), "{table}: {rows:?} rows in a statement");
    }
}
