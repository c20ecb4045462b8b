//! Users with many tasks.
//!
//! The tasks are inserted by SQL. The triggers run, so that whatever the schema keeps about them is right; they run once
//! for a statement, whatever its number of rows.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use url::form_urlencoded;

use super::{
    http::{Connection, Request},
    lean,
    stage::{Service, Stage, User},
};

/// The values of the parameter `status` of a list.
pub const STATUSES: [&str; 3] = ["all", "pending", "completed"];
/// The values of the parameter `sort` of a list.
pub const SORTS: [&str; 6] = ["-created", "created", "-updated", "updated", "title", "-title"];

/// A word in every fifth task.
pub const COMMON_WORD: &str = "dentist";
/// A word in one of 10,007 tasks.
pub const RARE_WORD: &str = "zeppelin";

/// Tasks on each side of the middle of an order that are inserted before the others.
const AROUND_THE_MIDDLE: usize = 100;
/// Tasks on a page while the cursors of the middle are taken.
const PAGE: usize = 50;

/// A user with tasks.
#[derive(Clone, Debug)]
pub struct Filled {
    pub user: User,
    /// The paths of lists that begin in the middle of all tasks, by status and sort.
    middles: BTreeMap<(&'static str, &'static str), String>,
}

impl Filled {
    /// The path of the list that begins in the middle of all tasks.
    pub fn middle(&self, status: &'static str, sort: &'static str) -> Result<&str> {
        let path = self.middles.get(&(status, sort)).map(String::as_str);
        path.with_context(|| format!("no cursor was taken for the status {status} by {sort}"))
    }
}

/// The path of the first page of a list.
pub fn first_page(status: &str, sort: &str) -> String {
    format!("/api/tasks?status={status}&sort={sort}")
}

/// A new user with this number of tasks, one in four of them completed.
///
/// A cursor is opaque, and walking through a million tasks to have one takes long. So the tasks in the middle of every
/// order are inserted first. A cursor between them stays valid while the others come to both of its sides.
pub async fn user_with_tasks(stage: &Stage, backend: &Service, count: usize) -> Result<Filled> {
    let user = stage.user(backend)?;
    let is_middle = format!(
        "abs({updated} - {half}) < {AROUND_THE_MIDDLE} or abs({title} - {half}) < {AROUND_THE_MIDDLE} \
         or abs(n - {half}) < {AROUND_THE_MIDDLE}",
        updated = updated_rank(count),
        title = title_rank(count),
        half = count / 2,
    );
    stage.sql(&insert(&user, count, &is_middle)).await?;
    let mut middles = BTreeMap::new();
    for status in STATUSES {
        for sort in SORTS {
            middles.insert((status, sort), middle_page(backend, &user, status, sort)?);
        }
    }
    stage.sql(&insert(&user, count, &format!("not ({is_middle})"))).await?;
    stage.tidy().await?;
    Ok(Filled { user, middles })
}

/// The places of the `n`th newest task in the other orders are scattered: a multiple of `n`, modulo the number of tasks,
/// with which the factor has no divisor in common.
fn updated_rank(count: usize) -> String {
    format!("(n::bigint * 7919 % {count})")
}

fn title_rank(count: usize) -> String {
    format!("(n::bigint * 104729 % {count})")
}

/// A statement that inserts those of the `count` tasks for which `filter` is true.
fn insert(user: &User, count: usize, filter: &str) -> String {
    let start = "timestamptz '2026-01-01 00:00:00Z'";
    let created = format!("{start} - n * interval '1 s'");
    format!(
        "insert into tasks (id, user_id, title, description, created_at, updated_at, completed_at)
         select {id}, '{user}', lpad({title}::text, 7, '0') || ' ' || what || ' ' || n,
             case when n % 3 = 0 then 'Ask about it again on day ' || n % 365 || ', in the morning' else '' end
                 || case when n % 10007 = 0 then ' {RARE_WORD}' else '' end,
             {created}, {start} - {updated} * interval '1 s', case when n % 4 = 0 then {start} end
         from (select n, (array['Buy milk', 'Call the {COMMON_WORD}', 'Write the report', 'Water the plants',
                                'Pay the rent'])[1 + n % 5] as what
               from generate_series(1, {count}) as n where {filter}) as wanted",
        id = lean::id_at(&created),
        user = user.id,
        title = title_rank(count),
        updated = updated_rank(count),
    )
}

/// The path of the page that begins in the middle of the tasks that a user has now.
fn middle_page(backend: &Service, user: &User, status: &str, sort: &str) -> Result<String> {
    let mut connection = Connection::open(backend.address)?;
    let mut paths = vec![first_page(status, sort)];
    while let Some(path) = paths.last() {
        let page = connection.send(&Request::get(&format!("{path}&limit={PAGE}"), &[&user.cookie]))?.check()?.json()?;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        paths.push(format!("{}&cursor={cursor}", first_page(status, sort)));
    }
    Ok(paths.swap_remove(paths.len() / 2))
}
