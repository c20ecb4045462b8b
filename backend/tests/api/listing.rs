//! Listing tasks: filters, search, sorting, and pages.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, Client, UNKNOWN_ID, check_property, ids, path, pluck, send_concurrently};

const SORTS: [&str; 6] = ["-created", "created", "-updated", "updated", "title", "-title"];
/// Times at the borders of what RFC 3339, the `time` crate and PostgreSQL can express.
const TIMES: [&str; 14] = [
    "9999-12-31T23:59:59-01:00",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:60-23:59",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T00:00:00+23:59",
    "0000-01-01T00:00:00Z",
    "0000-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00+00:01",
    "1970-01-01T00:00:00+00:01",
    "1970-01-01T00:00:00.000000001Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
];
const STATUSES: [&str; 3] = ["all", "pending", "completed"];

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/api/tasks?{query}")).await.ok(200);
    pluck(&page["tasks"], "title").into_iter().map(str::to_owned).collect()
}

/// Creates three tasks that each sort key orders differently.
async fn create_three_tasks(client: &Client) -> [Value; 3] {
    let tasks = [client.task("banana").await, client.task("Apple").await, client.task("cherry").await];
    client.patch(&path(&tasks[1])).json(&json!({ "description": "red or green" })).await.ok(200);
    client.post(&format!("{}/complete", path(&tasks[0]))).await.ok(200);
    tasks
}

#[sqlx::test]
async fn tasks_are_sorted_in_both_directions(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    create_three_tasks(&ada).await;
    for (sort, expected) in [
        ("created", ["banana", "Apple", "cherry"]),
        ("updated", ["cherry", "Apple", "banana"]),
        ("title", ["Apple", "banana", "cherry"]),
    ] {
        assert_eq!(titles(&ada, &format!("sort={sort}")).await, expected);
        let mut reversed = expected;
        reversed.reverse();
        assert_eq!(titles(&ada, &format!("sort=-{sort}")).await, reversed);
    }
    assert_eq!(titles(&ada, "").await, titles(&ada, "sort=-created").await);
}

#[sqlx::test]
async fn a_status_filters_the_tasks_but_not_the_counts(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    create_three_tasks(&ada).await;
    for (status, expected) in [("all", 3), ("pending", 2), ("completed", 1)] {
        let page = ada.get(&format!("/api/tasks?status={status}")).await.ok(200);
        assert_eq!(page["tasks"].as_array().unwrap().len(), expected);
        assert_eq!(page["counts"], json!({ "all": 3, "pending": 2, "completed": 1 }));
        assert_eq!(page["next_cursor"], Value::Null);
    }
    let found = ada.get("/api/tasks?q=an&status=pending").await.ok(200);
    assert_eq!(found["tasks"], json!([]));
    assert_eq!(found["counts"], json!({ "all": 1, "pending": 0, "completed": 1 }));
}

/// Clients change the counts by events about tasks that are not in the list.
#[sqlx::test]
async fn a_page_and_its_counts_are_consistent(pool: PgPool) {
    const TASKS: usize = 100;
    let ada = App::new(&pool).user("ada").await;
    let add = async {
        for number in 0..TASKS {
            ada.task(&format!("task {number}")).await;
        }
    };
    let list = async {
        loop {
            let page = ada.get("/api/tasks?limit=200").await.ok(200);
            let listed = page["tasks"].as_array().unwrap().len();
            assert_eq!(page["counts"]["all"], listed);
            if listed == TASKS {
                break;
            }
        }
    };
    tokio::join!(add, list);
}

#[sqlx::test]
async fn search_is_literal_and_case_insensitive(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for title in
        ["100 % sure", "snake_case", r"back\slash", "ÉCLAIR für Jürgen", "plain 'quote'", "🦀 crab", "Cafe\u{301}"]
    {
        ada.task(title).await;
    }
    let form = json!({ "title": "with text", "description": "First line\nsecond LINE 100" });
    ada.post("/api/tasks").json(&form).await.ok(201);
    for (search, expected) in [
        ("%25", vec!["100 % sure"]),
        ("_", vec!["snake_case"]),
        // One letter, or a letter and its accent.
        ("caf%C3%A9", vec!["Cafe\u{301}"]),
        ("cafe%CC%81", vec!["Cafe\u{301}"]),
        ("%5C", vec![r"back\slash"]),
        ("K_S", vec![]),
        (".*", vec![]),
        ("%C3%A9clair", vec!["ÉCLAIR für Jürgen"]),
        ("J%C3%9CRGEN", vec!["ÉCLAIR für Jürgen"]),
        ("%27", vec!["plain 'quote'"]),
        ("%F0%9F%A6%80", vec!["🦀 crab"]),
        ("Second+line", vec!["with text"]),
        ("100", vec!["with text", "100 % sure"]),
        ("++snake++", vec!["snake_case"]),
        // A match does not extend from the title into the description.
        ("textFirst", vec![]),
        ("nowhere", vec![]),
    ] {
        assert_eq!(titles(&ada, &format!("q={search}")).await, expected, "{search}");
    }
    assert_eq!(titles(&ada, "q=").await.len(), 8);
    assert_eq!(titles(&ada, "q=%20").await.len(), 8);
}

#[sqlx::test]
async fn invalid_queries_are_refused_by_field(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    ada.task("a").await;
    ada.task("b").await;
    let cursor = ada.get("/api/tasks?limit=1").await.ok(200)["next_cursor"].as_str().unwrap().to_owned();
    let wrong_order = format!("sort=title&cursor={cursor}");
    let shortened = format!("cursor={}", &cursor[..cursor.len() - 2]);
    let long = format!("q={}", "x".repeat(201));
    for (query, field, rule) in [
        ("status=done", "status", "expected one of `all`, `pending`, `completed`"),
        ("status=", "status", "unknown variant"),
        ("sort=name", "sort", "unknown variant `name`"),
        ("limit=0", "limit", "must be 1 to 200"),
        ("limit=201", "limit", "must be 1 to 200"),
        ("limit=-1", "limit", "must be 1 to 200"),
        ("limit=ten", "limit", "is not valid"),
        ("limit=", "limit", "is not valid"),
        ("limit=99999999999999999999", "limit", "is not valid"),
        ("limit=1&limit=2", "limit", "must be given once"),
        ("page=2", "page", "is not a known field"),
        ("q=a%00b", "q", "without the NUL character"),
        (&long, "q", "must be at most 200 characters"),
        ("cursor=", "cursor", "must be the next_cursor"),
        ("cursor=nonsense", "cursor", "must be the next_cursor"),
        ("cursor=e30", "cursor", "must be the next_cursor"),
        (&wrong_order, "cursor", "must be the next_cursor of a page with the same sort"),
        (&shortened, "cursor", "must be the next_cursor"),
    ] {
        ada.get(&format!("/api/tasks?{query}")).await.expect_field_error(field, rule);
    }
    ada.get("/api/tasks/export?format=xml").await.expect_field_error("format", "unknown variant `xml`");
    ada.get("/api/tasks/export?all=1").await.expect_field_error("all", "is not a known field");
    ada.get("/api/events?last_event_id=x").await.expect_field_error("last_event_id", "is not valid");
    ada.get("/api/events?since=1").await.expect_field_error("since", "is not a known field");
}

/// A cursor is what a client sends, whoever made it.
#[sqlx::test]
async fn no_cursor_is_an_internal_error(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    ada.task("a").await;
    let numbers = ["0", "-1", "1e999", "9223372036854775808", "null", "{}", "[]", "\"\"", "\"\\ud800\"", "\"\\u0000\""];
    let values = TIMES.iter().map(|time| format!("\"{time}\"")).chain(numbers.map(str::to_owned));
    for value in values {
        for (path, sort) in [("tasks", "-created"), ("tasks", "updated"), ("tasks", "title"), ("conversations", "")] {
            for (id, key) in [(UNKNOWN_ID, "time"), (UNKNOWN_ID, "title"), ("0", "time")] {
                let cursor = format!(r#"{{"sort":"{sort}","id":"{id}","{key}":{value}}}"#);
                let query = if sort.is_empty() { String::new() } else { format!("sort={sort}&") };
                let reply = ada.get(&format!("/api/{path}?{query}cursor={}", URL_SAFE_NO_PAD.encode(&cursor))).await;
                assert!([200, 422].contains(&reply.status), "{path} {cursor}: {reply:?}");
            }
        }
    }
    let reply = |time: &str| {
        let cursor = format!(r#"{{"sort":"-created","id":"{UNKNOWN_ID}","time":"{time}"}}"#);
        ada.get(&format!("/api/tasks?cursor={}", URL_SAFE_NO_PAD.encode(cursor)))
    };
    reply("9999-12-31T23:59:59-01:00").await.expect_field_error("cursor", "must be the next_cursor");
    reply("9999-12-31T23:59:59.999999999Z").await.ok(200);
}

/// The same for the times in a file to import.
#[sqlx::test]
async fn no_time_in_a_file_is_an_internal_error(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for time in TIMES {
        for field in ["created_at", "updated_at", "completed_at"] {
            let reply = ada.post("/api/tasks/import").json(&json!([{ "title": "a", field: time }])).await;
            assert!([201, 422].contains(&reply.status), "{field} {time}: {reply:?}");
        }
    }
    for sort in SORTS {
        ada.get(&format!("/api/tasks?sort={sort}")).await.ok(200);
        let mut query = format!("/api/tasks?sort={sort}&limit=1");
        while let Some(cursor) = ada.get(&query).await.ok(200)["next_cursor"].as_str() {
            query = format!("/api/tasks?sort={sort}&limit=1&cursor={cursor}");
        }
    }
}

#[sqlx::test]
async fn a_full_last_page_has_no_cursor(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for title in ["a", "b", "c", "d"] {
        ada.task(title).await;
    }
    let first = ada.get("/api/tasks?sort=title&limit=2").await.ok(200);
    assert_eq!(pluck(&first["tasks"], "title"), ["a", "b"]);
    let query = format!("/api/tasks?sort=title&limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = ada.get(&query).await.ok(200);
    assert_eq!(pluck(&second["tasks"], "title"), ["c", "d"]);
    assert_eq!(second["next_cursor"], Value::Null);
}

/// A change of other tasks between two pages.
#[derive(Clone, Debug)]
enum ConcurrentChange {
    Nothing,
    Insert {
        title: String,
        day: u8,
        completed: bool,
    },
    /// Deletes one of the tasks that are not watched, by its index.
    Delete(usize),
    /// Deletes the last task of the previous page, unless it is watched.
    DeleteLast,
}

#[derive(Clone, Debug)]
struct Scenario {
    /// Title, day of creation, day of update, completed, watched.
    tasks: Vec<(String, u8, u8, bool, bool)>,
    sort: &'static str,
    status: &'static str,
    search: &'static str,
    limit: usize,
    changes: Vec<ConcurrentChange>,
}

/// Generates few titles and days, so that many tasks have equal sort keys.
fn scenarios() -> impl Strategy<Value = Scenario> {
    let title = || "[abAB]{1,2}";
    let task = (title(), 1..4_u8, 1..4_u8, any::<bool>(), prop::bool::weighted(0.7));
    let changes = prop_oneof![
        Just(ConcurrentChange::Nothing),
        (title(), 1..4_u8, any::<bool>()).prop_map(|(title, day, completed)| ConcurrentChange::Insert {
            title,
            day,
            completed
        }),
        any::<usize>().prop_map(ConcurrentChange::Delete),
        Just(ConcurrentChange::DeleteLast),
    ];
    let sort = prop::sample::select(&SORTS);
    let status = prop::sample::select(&STATUSES);
    let search = prop::sample::select(&["", "a"]);
    (vec(task, 0..24), sort, status, search, 1..8_usize, vec(changes, 0..12)).prop_map(
        |(tasks, sort, status, search, limit, changes)| Scenario { tasks, sort, status, search, limit, changes },
    )
}

fn entry(title: &str, created: u8, updated: u8, completed: bool) -> Value {
    json!({
        "title": title,
        "created_at": format!("2026-01-0{created}T00:00:00Z"),
        "updated_at": format!("2026-01-0{updated}T00:00:00Z"),
        "status": if completed { "completed" } else { "pending" },
    })
}

async fn import(client: &Client, file: Vec<Value>) {
    client.post("/api/tasks/import").json(&file.into()).await.ok(201);
}

/// Whether `earlier` may be listed before `later`.
fn in_order(sort: &str, earlier: &Value, later: &Value) -> bool {
    let (descending, key) = sort.strip_prefix('-').map_or((false, sort), |key| (true, key));
    let key = |task: &Value| match key {
        "created" => task["created_at"].as_str().unwrap().to_owned(),
        "updated" => task["updated_at"].as_str().unwrap().to_owned(),
        _ => task["title"].as_str().unwrap().to_lowercase(),
    };
    if descending { key(earlier) >= key(later) } else { key(earlier) <= key(later) }
}

/// Reads all pages. Each task that exists during the whole time is listed exactly once, and in order.
#[sqlx::test]
async fn pages_are_stable_while_tasks_are_added_and_deleted(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    check_property(60, scenarios(), async move |scenario| {
        sqlx::query("truncate tasks, task_events").execute(&pool).await.unwrap();
        let file = scenario
            .tasks
            .iter()
            .map(|(title, created, updated, completed, _)| entry(title, *created, *updated, *completed));
        import(&ada, file.collect()).await;
        // Ids ascend in the order of the file.
        let all: Vec<String> =
            sqlx::query_scalar("select id::text from tasks order by id").fetch_all(&pool).await.unwrap();
        let matches = |(title, _, _, completed, _): &(String, u8, u8, bool, bool)| {
            let status = scenario.status == "all" || *completed == (scenario.status == "completed");
            status && title.to_lowercase().contains(scenario.search)
        };
        let (mut watched, mut others) = (HashSet::new(), Vec::new());
        for (id, task) in all.iter().zip(&scenario.tasks) {
            match (task.4, matches(task)) {
                (true, true) => drop(watched.insert(id.clone())),
                (true, false) => {}
                (false, _) => others.push(id.clone()),
            }
        }

        let mut seen: Vec<Value> = Vec::new();
        let mut changes = scenario.changes.iter();
        let base = format!(
            "/api/tasks?sort={}&status={}&q={}&limit={}",
            scenario.sort, scenario.status, scenario.search, scenario.limit
        );
        let mut query = base.clone();
        loop {
            let page = ada.get(&query).await.ok(200);
            let tasks = page["tasks"].as_array().unwrap();
            assert!(tasks.len() <= scenario.limit);
            seen.extend(tasks.iter().cloned());
            assert!(seen.len() < 100, "the pages never end");
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            assert_eq!(tasks.len(), scenario.limit);
            query = format!("{base}&cursor={cursor}");
            let to_delete = match changes.next() {
                Some(ConcurrentChange::Insert { title, day, completed }) => {
                    import(&ada, vec![entry(title, *day, *day, *completed)]).await;
                    None
                }
                Some(ConcurrentChange::Delete(number)) if !others.is_empty() => {
                    Some(others[number % others.len()].clone())
                }
                Some(ConcurrentChange::DeleteLast) => seen.last().map(|task| task["id"].as_str().unwrap().to_owned()),
                _ => None,
            };
            if let Some(id) = to_delete.filter(|id| !watched.contains(id)) {
                ada.delete(&format!("/api/tasks/{id}")).await;
            }
        }

        let found = ids(&json!(seen));
        let distinct: HashSet<_> = found.iter().cloned().collect();
        assert_eq!(found.len(), distinct.len(), "a task was listed twice");
        assert!(watched.is_subset(&distinct), "a task was missed");
        assert!(seen.windows(2).all(|pair| in_order(scenario.sort, &pair[0], &pair[1])), "{seen:?}");
        assert!(seen.iter().all(|task| scenario.status == "all" || task["status"] == scenario.status));
        assert!(seen.iter().all(|task| task["title"].as_str().unwrap().to_lowercase().contains(scenario.search)));
    })
    .await;
}

/// One change of a user's tasks. Numbers choose among the tasks that exist.
#[derive(Clone, Debug)]
enum TaskChange {
    Create,
    Import { pending: usize, completed: usize },
    Complete(usize),
    Reopen(usize),
    Delete(usize),
    Bulk(&'static str, Vec<usize>),
    Purge,
}

fn task_changes() -> impl Strategy<Value = Vec<TaskChange>> {
    let number = || 0..50_usize;
    let change = prop_oneof![
        3 => Just(TaskChange::Create),
        1 => (0..4_usize, 0..4_usize).prop_map(|(pending, completed)| TaskChange::Import { pending, completed }),
        3 => number().prop_map(TaskChange::Complete),
        2 => number().prop_map(TaskChange::Reopen),
        2 => number().prop_map(TaskChange::Delete),
        3 => (prop_oneof![Just("complete"), Just("reopen"), Just("delete"), Just("restore")], vec(number(), 1..6))
            .prop_map(|(action, numbers)| TaskChange::Bulk(action, numbers)),
        1 => Just(TaskChange::Purge),
    ];
    vec(change, 1..25)
}

/// Triggers keep the counts. They are those of the tasks whatever is changed at the same time.
#[sqlx::test]
async fn counts_are_exact_after_concurrent_changes(pool: PgPool) {
    let app = App::new(&pool);
    let users = [app.user("ada").await, app.user("bea").await];
    check_property(30, task_changes(), async move |changes| {
        sqlx::query("delete from tasks").execute(&pool).await.unwrap();
        for user in &users {
            import(user, vec![entry("first", 1, 1, false), entry("second", 2, 2, true)]).await;
        }
        let existing: Vec<String> =
            sqlx::query_scalar("select id::text from tasks order by id").fetch_all(&pool).await.unwrap();
        let id = |number: &usize| existing[number % existing.len()].clone();
        let calls = changes.iter().enumerate().filter_map(|(index, change)| {
            let user = &users[index % users.len()];
            Some(match change {
                TaskChange::Create => user.post("/api/tasks").json(&json!({ "title": "new" })),
                TaskChange::Import { pending, completed } => {
                    let file: Vec<Value> =
                        (0..pending + completed).map(|number| entry("new", 1, 1, number < *completed)).collect();
                    user.post("/api/tasks/import").json(&file.into())
                }
                TaskChange::Complete(number) => user.post(&format!("/api/tasks/{}/complete", id(number))),
                TaskChange::Reopen(number) => user.post(&format!("/api/tasks/{}/reopen", id(number))),
                TaskChange::Delete(number) => user.delete(&format!("/api/tasks/{}", id(number))),
                TaskChange::Bulk(action, numbers) => {
                    let ids: Vec<String> = numbers.iter().map(id).collect();
                    user.post("/api/tasks/bulk").json(&json!({ "action": action, "ids": ids }))
                }
                TaskChange::Purge => return None,
            })
        });
        let purge = async {
            if changes.iter().any(|change| matches!(change, TaskChange::Purge)) {
                sqlx::query("delete from tasks where deleted_at is not null or title = 'second'")
                    .execute(&pool)
                    .await
                    .unwrap();
            }
        };
        let (replies, ()) = tokio::join!(send_concurrently(calls.collect::<Vec<_>>()), purge);
        // A user has one import at a time.
        assert!(replies.iter().all(|reply| reply.status < 500), "{replies:?}");
        for user in &users {
            let page = user.get("/api/tasks?limit=200").await.ok(200);
            let counted =
                |status: &str| page["tasks"].as_array().unwrap().iter().filter(|task| task["status"] == status).count();
            let (pending, completed) = (counted("pending"), counted("completed"));
            let counts = json!({ "all": pending + completed, "pending": pending, "completed": completed });
            assert_eq!(page["counts"], counts);
        }
        let wrong: i64 = sqlx::query_scalar(
            "select count(*) from users left join lateral (
               select count(*) as tasks, coalesce(sum(octet_length(title) + octet_length(description)), 0) as bytes
               from tasks where user_id = users.id) as stored on true
             where (task_count, task_bytes) is distinct from (tasks, bytes)",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(wrong, 0);
    })
    .await;
}

/// Characters that have a meaning in a pattern are letters like any other in a search.
#[sqlx::test]
async fn a_search_has_no_wildcards(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for title in ["50% off", "500 off", r"a\b", "ab", "a_b", "axb", "é!"] {
        ada.task(title).await;
    }
    for (search, titles) in [
        ("0%25", &["50% off"][..]),
        ("a%5Cb", &[r"a\b"]),
        ("a_b", &["a_b"]),
        ("%25", &["50% off"]),
        ("%C3%89", &["é!"]),
    ] {
        let page = ada.get(&format!("/api/tasks?q={search}")).await.ok(200);
        assert_eq!(pluck(&page["tasks"], "title"), titles, "{search}");
        assert_eq!(page["counts"]["all"], titles.len());
    }
}
