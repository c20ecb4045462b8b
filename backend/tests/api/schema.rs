//! Rules that the tables have to keep.

use sqlx::PgPool;

/// The foreign keys for which a deletion of what they refer to reads the whole table. An index serves a foreign key if
/// it contains every row, and begins with the key's columns.
async fn foreign_keys_without_index(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select format('%s of %s', conname, conrelid::regclass) from pg_constraint
         where contype = 'f' and not exists (
           select from pg_index
           where indrelid = conrelid and indisvalid and indpred is null
             and (indkey::int2[])[0:cardinality(conkey) - 1] <@ conkey
             and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
         )
         order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[sqlx::test]
async fn every_foreign_key_has_an_index(pool: PgPool) {
    assert_eq!(foreign_keys_without_index(&pool).await, [""; 0]);
    sqlx::raw_sql(
        "create table planted (number int, user_id uuid references users on delete cascade);
         create index on planted (number, user_id);
         create index on planted (user_id) where number > 0",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(foreign_keys_without_index(&pool).await, ["planted_user_id_fkey of planted"]);
}
