//! The leanest statements that give what the API answers, for pgbench.

use anyhow::Result;
use sqlx::PgPool;

const COLUMNS: &str = "id, title, description, status, created_at, updated_at, completed_at, version";
/// The title of a created task.
pub const TITLE: &str = "Buy milk";

/// The columns of `users` that keep how many tasks a user has, as a list for a `select` from `users`; empty if there are
/// none.
pub async fn kept_counts(pool: &PgPool) -> Result<String> {
    let columns: Vec<String> = sqlx::query_scalar(
        "select column_name::text from information_schema.columns
         where table_schema = 'public' and table_name = 'users' and data_type in ('integer', 'bigint')
         order by ordinal_position",
    )
    .fetch_all(pool)
    .await?;
    Ok(counts_among(&columns))
}

/// Two of the three numbers give the third.
fn counts_among(columns: &[String]) -> String {
    let kept = columns.iter().filter(|column| {
        ["pending", "completed", "open", "live"].iter().any(|word| column.split('_').any(|part| part == *word))
    });
    let kept: Vec<&str> = kept.map(String::as_str).collect();
    if kept.len() < 2 { String::new() } else { kept.join(", ") }
}

/// The newest tasks of a user and their number: those of a page of 50, and one to know whether there are more.
pub fn list(kept_counts: &str, user: &str) -> String {
    let counts = if kept_counts.is_empty() {
        format!(
            "select count(*), count(*) filter (where status = 'pending'), count(*) filter (where status = 'completed') \
             from tasks where user_id = '{user}' and deleted_at is null"
        )
    } else {
        format!("select {kept_counts} from users where id = '{user}'")
    };
    format!(
        "select * from ({counts}) as counts left join (select {COLUMNS} from tasks where user_id = '{user}' and \
         deleted_at is null order by created_at desc, id desc limit 51) as page on true;\n"
    )
}

/// An id of a task that was created at a time, as an expression. Such ids grow with time, as those of the application do,
/// so that inserts hit the same pages of the index.
pub fn id_at(time: &str) -> String {
    format!(
        "(lpad(to_hex((extract(epoch from {time}) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 13))::uuid"
    )
}

/// A new task. `user` is an expression.
pub fn create(table: &str, user: &str) -> String {
    format!(
        "insert into {table} (id, user_id, title, description) values ({}, {user}, '{TITLE}', '') \
         returning {COLUMNS};\n",
        id_at("clock_timestamp()")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_counts_are_found_by_their_names() {
        let found = |columns: &[&str]| counts_among(&columns.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(found(&["event_seq", "task_count", "task_bytes"]), "");
        assert_eq!(found(&["task_count", "pending_count", "completed_count"]), "pending_count, completed_count");
        assert_eq!(found(&["pending_tasks"]), "");
    }

    #[test]
    fn a_list_counts_only_without_kept_counts() {
        assert!(list("", "u").contains("count(*)"));
        let kept = list("pending_count, completed_count", "u");
        assert!(!kept.contains("count(*)") && kept.contains("from users"), "{kept}");
    }
}
