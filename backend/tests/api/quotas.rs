//! How much a user may store.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use todo_backend::{db::Database, server::cleanup::remove_expired, tools::Source};
use tokio::time::{sleep, timeout};

use crate::support::{App, Call, Client, PASSWORD, path, send_concurrently};

/// The migration before the one that counts.
const BEFORE_QUOTAS: i64 = 3;

/// A replica with a pool of its own, whose connections have the quota as the service sets it.
async fn replica(pool: &PgPool, tasks: &str, bytes: &str) -> App {
    let config = App::config(&[("MAX_TASKS_PER_USER", tasks), ("MAX_TASK_BYTES_PER_USER", bytes)]);
    let url = sqlx::ConnectOptions::to_url_lossy(&*pool.connect_options()).to_string().into();
    let quota = config.task_quota.connection_settings();
    let database = Database::new(&url, 5, Duration::from_secs(10), &quota).unwrap();
    database.probe().await;
    App::with_config(database, config)
}

fn create(client: &Client, title: &str) -> Call {
    client.post("/api/tasks").json(&json!({ "title": title }))
}

fn import(client: &Client, titles: &[&str]) -> Call {
    client.post("/api/tasks/import").body("text/csv", format!("title\n{}\n", titles.join("\n")))
}

fn bulk(client: &Client, action: &str, task: &Value) -> Call {
    client.post("/api/tasks/bulk").json(&json!({ "action": action, "ids": [task["id"]] }))
}

fn describe(client: &Client, task: &Value, description: &str) -> Call {
    client.patch(&path(task)).json(&json!({ "description": description }))
}

/// Asserts that the call is refused, and that the problem says what the quota is and what helps.
async fn expect_quota_reached(call: Call, quota: &str) {
    let problem = call.await.problem(409, "quota_reached");
    let detail = problem["detail"].as_str().unwrap();
    for part in [quota, "A deleted task counts until it is removed, 24 hours later.", "try again"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

/// The error that a tool gives a language model.
async fn tool_refusal(app: &App, client: &Client, tool: &str, arguments: &Value) -> Value {
    let id = client.get("/api/auth/me").await.ok(200)["id"].as_str().unwrap().parse().unwrap();
    let mut refusals = Vec::new();
    for source in [Source::Chat, Source::Mcp] {
        let refusal = app.state.tools.call(source, id, tool, arguments.clone()).await.unwrap().unwrap_err();
        refusals.push(serde_json::to_value(refusal).unwrap());
    }
    assert_eq!(refusals[0], refusals[1]);
    refusals.remove(0)
}

/// The numbers of tasks and of bytes that are stored, after checking that they are those of every user's row.
#[track_caller]
fn counted(pool: &PgPool) -> impl Future<Output = (i64, i64)> {
    let caller = std::panic::Location::caller();
    async move {
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "select task_count, task_bytes, count(tasks.id),
                    coalesce(sum(octet_length(title) + octet_length(description)), 0)
             from users left join tasks on tasks.user_id = users.id group by users.id",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        for (tasks, bytes, real_tasks, real_bytes) in &rows {
            assert_eq!((tasks, bytes), (real_tasks, real_bytes), "{caller}");
        }
        rows.iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
    }
}

#[sqlx::test]
async fn no_way_in_exceeds_the_quota_of_tasks(pool: PgPool) {
    const QUOTA: &str = "Your quota of tasks is reached: a user can have at most 3 tasks.";
    let app = replica(&pool, "3", "1000").await;
    let ada = app.user("ada").await;
    import(&ada, &["a", "b"]).await.ok(201);
    expect_quota_reached(import(&ada, &["c", "d"]), QUOTA).await;
    assert_eq!(ada.task_count().await, 2, "a part of the file was stored");
    let last = create(&ada, "c").await.ok(201);

    let keyed = |client: &Client| create(client, "d").header("idempotency-key", "d");
    expect_quota_reached(create(&ada, "d"), QUOTA).await;
    expect_quota_reached(keyed(&ada), QUOTA).await;
    expect_quota_reached(import(&ada, &["d"]), QUOTA).await;
    let refusal = tool_refusal(&app, &ada, "add_task", &json!({ "title": "d" })).await;
    assert_eq!(refusal["error"], "quota_reached");
    assert!(refusal["detail"].as_str().unwrap().contains(QUOTA), "{refusal}");
    let token = app.token_client(&ada).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "add_task", "arguments": { "title": "d" } } });
    let mcp = token.post("/mcp").header("host", "localhost").header("accept", "application/json, text/event-stream");
    assert_eq!(mcp.json(&call).await.ok(200)["result"]["isError"], true);
    assert_eq!(counted(&pool).await, (3, 3));

    // Other users, and changes that store no more, are not affected.
    app.user("bea").await.task("a").await;
    ada.post(&format!("{}/complete", path(&last))).await.ok(200);
    // A deleted task counts, so that a deletion can always be taken back.
    ada.delete(&path(&last)).await.ok(204);
    expect_quota_reached(create(&ada, "d"), QUOTA).await;
    bulk(&ada, "restore", &last).await.ok(200);
    bulk(&ada, "delete", &last).await.ok(200);
    sqlx::query("update tasks set deleted_at = now() - interval '25 hours' where deleted_at is not null")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(remove_expired(&pool).await.unwrap(), 1);
    // The request that was refused has left no trace.
    keyed(&ada).await.ok(201);
    expect_quota_reached(create(&ada, "e"), QUOTA).await;
}

#[sqlx::test]
async fn no_way_in_exceeds_the_quota_of_text(pool: PgPool) {
    const QUOTA: &str = "Your quota of text is reached: the tasks of a user can have at most 10 bytes";
    let app = replica(&pool, "100", "10").await;
    let ada = app.user("ada").await;
    let task = create(&ada, "éé").await.ok(201);
    expect_quota_reached(import(&ada, &["éé", "éé"]), QUOTA).await;
    import(&ada, &["éé"]).await.ok(201);
    assert_eq!(counted(&pool).await, (2, 8));

    expect_quota_reached(create(&ada, "abc"), QUOTA).await;
    expect_quota_reached(import(&ada, &["abc"]), QUOTA).await;
    expect_quota_reached(describe(&ada, &task, "abc"), QUOTA).await;
    expect_quota_reached(ada.patch(&path(&task)).json(&json!({ "title": "ééabc" })), QUOTA).await;
    for (tool, arguments) in
        [("add_task", json!({ "title": "abc" })), ("update_task", json!({ "task": task["id"], "description": "abc" }))]
    {
        let refusal = tool_refusal(&app, &ada, tool, &arguments).await;
        assert_eq!(refusal["error"], "quota_reached", "{tool}: {refusal}");
    }
    assert_eq!(ada.get(&path(&task)).await.ok(200), task);

    describe(&ada, &task, "ab").await.ok(200);
    assert_eq!(counted(&pool).await, (2, 10));
    // The same number of bytes, and fewer.
    ada.patch(&path(&task)).json(&json!({ "title": "é", "description": "abcd" })).await.ok(200);
    describe(&ada, &task, "").await.ok(200);
    assert_eq!(counted(&pool).await, (2, 6));
}

#[sqlx::test]
async fn concurrent_changes_do_not_exceed_a_quota_together(pool: PgPool) {
    let app = replica(&pool, "5", "20").await;
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let creates = (0..16).map(|_| create(&ada, "a"));
    let statuses: Vec<u16> = send_concurrently(creates).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 11, "{statuses:?}");

    let mut tasks = Vec::new();
    for _ in 0..4 {
        tasks.push(bea.task("b").await);
    }
    let replies = send_concurrently(tasks.iter().map(|task| describe(&bea, task, "12345678"))).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 2, "{statuses:?}");
    assert_eq!(counted(&pool).await, (9, 25));
}

/// An operator may lower a limit below what users have.
#[sqlx::test]
async fn who_has_more_than_a_quota_can_still_change_and_delete(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let [a, b] = [ada.task("title a").await, ada.task("title b").await];
    for (tasks, bytes) in [("1", "1000"), ("1000", "1")] {
        let ada = ada.on(&replica(&pool, tasks, bytes).await);
        create(&ada, "c").await.problem(409, "quota_reached");
        ada.post(&format!("{}/complete", path(&a))).await.ok(200);
        ada.patch(&path(&a)).json(&json!({ "title": "Title A", "status": "pending" })).await.ok(200);
        for action in ["complete", "reopen", "delete", "restore"] {
            bulk(&ada, action, &b).await.ok(200);
        }
        assert_eq!(counted(&pool).await, (2, 14));
    }
}

#[sqlx::test]
async fn what_is_counted_is_what_is_stored(pool: PgPool) {
    let app = App::new(&pool);
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    let task = ada.post("/api/tasks").json(&json!({ "title": "é", "description": "🦀" })).await.ok(201);
    assert_eq!(counted(&pool).await, (1, 6));
    import(&bea, &["abc", "def"]).await.ok(201);
    assert_eq!(counted(&pool).await, (3, 12));
    ada.patch(&path(&task)).json(&json!({ "title": "longer", "description": null })).await.ok(200);
    assert_eq!(counted(&pool).await, (3, 12));
    ada.delete(&path(&task)).await.ok(204);
    assert_eq!(counted(&pool).await, (3, 12));
    bulk(&ada, "restore", &task).await.ok(200);
    bulk(&ada, "complete", &task).await.ok(200);
    assert_eq!(counted(&pool).await, (3, 12));

    // Tasks of both users are removed while both create and change others.
    sqlx::query("update tasks set deleted_at = now() - interval '25 hours'").execute(&pool).await.unwrap();
    let [a, b] = [ada.task("a").await, bea.task("b").await];
    let changes = (0..20).map(|number| match number % 4 {
        0 => create(&ada, "created"),
        1 => describe(&ada, &a, &"x".repeat(number)),
        2 => create(&bea, "created"),
        _ => describe(&bea, &b, &"é".repeat(number)),
    });
    let (replies, first, second) =
        tokio::join!(send_concurrently(changes), remove_expired(&pool), remove_expired(&pool));
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 201)), "{replies:?}");
    assert_eq!(first.unwrap() + second.unwrap(), 3);
    assert_eq!(counted(&pool).await.0, 2 + 10);

    ada.delete("/api/auth/me").json(&json!({ "current_password": PASSWORD })).await.ok(204);
    assert_eq!(counted(&pool).await.0, 6);
}

/// The previous release serves while the schema changes. Its requests take the locks of both tables in either order.
#[sqlx::test(migrations = false)]
async fn the_migration_counts_what_is_stored_and_fails_no_request(pool: PgPool) {
    let migrator = sqlx::migrate!();
    migrator.run_to(BEFORE_QUOTAS, &pool).await.unwrap();
    let app = App::new(&pool);
    let [ada, bea] = [app.user("ada").await, app.user("bea").await];
    ada.task("before").await;
    ada.delete(&path(&ada.task("deleted").await)).await.ok(204);

    let options = pool.connect_options();
    let connect = || PgConnection::connect_with(&options);
    let (mut first, mut second) = (connect().await.unwrap(), connect().await.unwrap());
    // Neither may wait for the migration for long.
    for connection in [&mut first, &mut second] {
        sqlx::query("set lock_timeout = '5s'").execute(connection).await.unwrap();
    }
    let insert = "insert into tasks (id, user_id, title)
        select gen_random_uuid(), id, 'meanwhile' from users where email like $1";
    let mut first = first.begin().await.unwrap();
    sqlx::query(insert).bind("ada%").execute(&mut *first).await.unwrap();
    let mut second = second.begin().await.unwrap();
    sqlx::query("select from users where email like 'bea%' for key share").execute(&mut *second).await.unwrap();

    let migration = tokio::spawn({
        let pool = pool.clone();
        async move { migrator.run(&pool).await }
    });
    let waits = "select exists(select from pg_stat_activity
        where query ilike '%lock table users%' and pid <> pg_backend_pid() and datname = current_database())";
    let begun = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), begun).await.expect("the migration has begun");
    sqlx::query(insert).bind("bea%").execute(&mut *second).await.unwrap();
    sqlx::query(insert).bind("ada%").execute(&mut *first).await.unwrap();
    // Others are served meanwhile.
    timeout(Duration::from_secs(5), async { bea.get("/api/auth/me").await.ok(200) }).await.unwrap();
    second.commit().await.unwrap();
    first.commit().await.unwrap();
    timeout(Duration::from_secs(10), migration).await.unwrap().unwrap().unwrap();

    assert_eq!(counted(&pool).await.0, 5);
    // The connections of the previous release have no quota, but what they store is counted.
    bea.task("after").await;
    assert_eq!(counted(&pool).await.0, 6);
}
