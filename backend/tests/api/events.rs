//! Changes of tasks as server-sent events.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::Response,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::server::cleanup::remove_expired;
use tokio::time::timeout;

use crate::support::{App, Call, Client, PASSWORD, path};

/// Much longer than any event takes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A replica that listens for notifications of the database.
pub fn listening_replica(pool: &PgPool) -> App {
    let app = App::new(pool);
    tokio::spawn(app.state.notifier.clone().listen(app.state.database.clone()));
    app
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<i64>,
    pub data: Value,
}

/// An open stream of server-sent events.
pub struct EventStream {
    body: BodyDataStream,
    text: String,
}

impl EventStream {
    pub async fn open(call: Call) -> Self {
        let response: Response<Body> = call.open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Opens a stream, and reads its `hello` event.
    async fn connect(client: &Client) -> Self {
        let mut events = Self::open(client.get("/api/events")).await;
        events.expect("hello").await;
        events
    }

    /// Opens a stream that continues after an event, and reads its `hello` event.
    async fn resume(client: &Client, after: i64) -> Self {
        let mut events = Self::open(client.get("/api/events").header("last-event-id", &after.to_string())).await;
        assert_eq!(events.expect("hello").await.id, Some(after));
        events
    }

    /// The lines up to the next empty one; `None` at the end of the stream.
    async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = timeout(TIMEOUT, self.body.next()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("no event within {TIMEOUT:?}; so far {:?}", self.text))?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// The next event; `None` at the end of the stream. A comment is an event without a name.
    pub async fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        for line in self.next_block().await?.lines() {
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                _ => {}
            }
        }
        Some(event)
    }

    /// The next event, which must have this name.
    pub async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
        assert_eq!(event.name, name, "{event:?}");
        event
    }

    /// Asserts that the next event is about these tasks, and returns its id.
    async fn expect_task(&mut self, kind: &str, tasks: &[&Value]) -> i64 {
        let event = self.expect("task").await;
        let ids: Vec<_> = tasks.iter().map(|task| &task["id"]).collect();
        let tasks = if kind == "deleted" { json!([]) } else { json!(tasks) };
        assert_eq!(event.data, json!({ "kind": kind, "ids": ids, "tasks": tasks }));
        event.id.unwrap()
    }

    /// Asserts that the stream ends with a `bye` event.
    async fn expect_bye(mut self, reason: &str) {
        assert_eq!(self.expect("bye").await.data, json!({ "reason": reason }));
        assert_eq!(self.next().await, None);
    }
}

#[sqlx::test]
async fn every_change_is_sent_in_order(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let mut events = EventStream::open(ada.get("/api/events")).await;
    assert_eq!(events.next().await.unwrap(), Event { name: "hello".into(), id: Some(0), data: json!({}) });

    let task = ada.task("a").await;
    let task_path = path(&task);
    assert_eq!(events.expect_task("created", &[&task]).await, 1);
    let task = ada.patch(&task_path).json(&json!({ "title": "b" })).await.ok(200);
    assert_eq!(events.expect_task("updated", &[&task]).await, 2);
    let task = ada.post(&format!("{task_path}/complete")).await.ok(200);
    assert_eq!(events.expect_task("updated", &[&task]).await, 3);
    // A request that changes nothing sends no event.
    ada.post(&format!("{task_path}/complete")).await.ok(200);
    ada.patch(&task_path).json(&json!({})).await.ok(200);
    ada.delete(&task_path).await.ok(204);
    assert_eq!(events.expect_task("deleted", &[&task]).await, 4);
    let form = json!({ "action": "restore", "ids": [task["id"]] });
    let task = ada.post("/api/tasks/bulk").json(&form).await.ok(200)["tasks"][0].clone();
    assert_eq!(events.expect_task("restored", &[&task]).await, 5);
}

#[sqlx::test]
async fn a_bulk_change_is_one_event(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let [a, b] = [ada.task("a").await, ada.task("b").await];
    let mut events = EventStream::connect(&ada).await;
    let form = json!({ "action": "complete", "ids": [b["id"], a["id"]] });
    let result = ada.post("/api/tasks/bulk").json(&form).await.ok(200);
    events.expect_task("updated", &[&result["tasks"][0], &result["tasks"][1]]).await;
}

#[sqlx::test]
async fn changes_on_one_replica_are_sent_by_the_other(pool: PgPool) {
    let [first, second] = [listening_replica(&pool), listening_replica(&pool)];
    let ada = first.user("ada").await;
    let mut events = EventStream::connect(&ada.on(&second)).await;
    let task = ada.task("a").await;
    events.expect_task("created", &[&task]).await;
}

#[sqlx::test]
async fn changes_of_other_users_are_not_sent(pool: PgPool) {
    let app = listening_replica(&pool);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let mut events = EventStream::connect(&ada).await;
    let hers = eve.task("eve's").await;
    eve.delete(&path(&hers)).await.ok(204);
    let mine = ada.task("ada's").await;
    // The first event is about ada's own task, and has her own number.
    assert_eq!(events.expect_task("created", &[&mine]).await, 1);
    // Eve's position does not select ada's events.
    assert_eq!(EventStream::resume(&eve, 1).await.expect_task("deleted", &[&hers]).await, 2);
}

#[sqlx::test]
async fn an_import_of_more_than_200_tasks_is_a_resync(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let mut events = EventStream::connect(&ada).await;
    for (tasks, expected) in [(200, "task"), (201, "resync")] {
        let file: Vec<Value> = (0..tasks).map(|number| json!({ "title": format!("{number}") })).collect();
        ada.post("/api/tasks/import").json(&file.into()).await.ok(201);
        events.expect(expected).await;
    }
    // The stream continues after a resync.
    let task = ada.task("a").await;
    assert_eq!(events.expect_task("created", &[&task]).await, 3);
}

/// Tasks of 1000 bytes each.
async fn import_long_tasks(client: &Client, tasks: usize) -> Vec<Value> {
    let task = json!({ "title": "a", "description": "d".repeat(1000) });
    client.post("/api/tasks/import").json(&vec![task; tasks].into()).await.ok(201);
    client.get("/api/tasks?limit=200").await.ok(200)["tasks"].as_array().unwrap().clone()
}

#[sqlx::test]
async fn a_change_of_much_text_is_a_resync(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let mut events = EventStream::connect(&ada).await;
    for (tasks, expected) in [(80, "task"), (200, "resync")] {
        import_long_tasks(&ada, tasks).await;
        events.expect(expected).await;
    }
    let task = ada.task("a").await;
    assert_eq!(events.expect_task("created", &[&task]).await, 3);
}

/// This replica does not listen to the database, so only what it sends itself wakes its streams.
#[sqlx::test]
async fn every_way_to_change_tasks_wakes_the_streams(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let mut events = EventStream::connect(&ada).await;
    let task = ada.task("a").await;
    events.expect_task("created", &[&task]).await;
    let task = ada.patch(&path(&task)).json(&json!({ "title": "b" })).await.ok(200);
    events.expect_task("updated", &[&task]).await;
    let task = ada.post(&format!("{}/complete", path(&task))).await.ok(200);
    events.expect_task("updated", &[&task]).await;
    ada.delete(&path(&task)).await.ok(204);
    events.expect_task("deleted", &[&task]).await;
    let form = json!({ "action": "restore", "ids": [task["id"]] });
    ada.post("/api/tasks/bulk").json(&form).await.ok(200);
    events.expect("task").await;
    ada.post("/api/tasks/import").json(&json!([{ "title": "imported" }])).await.ok(201);
    events.expect("task").await;
    let program = app.token_client(&ada).await;
    let params = json!({ "name": "add_task", "arguments": { "title": "by a tool" } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let call = program.post("/mcp").json(&call).header("accept", "application/json, text/event-stream");
    call.header("host", "localhost:8000").await.ok(200);
    assert_eq!(events.expect("task").await.data["tasks"][0]["title"], "by a tool");
}

/// Nobody sends a wake for what this test writes, as if a replica had been killed before it could.
#[sqlx::test]
async fn a_change_whose_wake_was_lost_is_sent_within_seconds(pool: PgPool) {
    let app = listening_replica(&pool);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let mut streams = [EventStream::connect(&ada).await, EventStream::connect(&ada).await];
    let mut hers = EventStream::connect(&eve).await;
    for title in ["a", "b"] {
        let insert =
            "insert into tasks (id, user_id, title) select gen_random_uuid(), id, $1 from users where name = 'ada'";
        sqlx::query(insert).bind(title).execute(&pool).await.unwrap();
        for stream in &mut streams {
            assert_eq!(stream.expect("task").await.data["tasks"][0]["title"], title);
        }
    }
    let task = eve.task("eve's").await;
    hers.expect_task("created", &[&task]).await;
}

#[sqlx::test]
async fn a_credential_that_expires_ends_its_streams_within_seconds(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let events = EventStream::connect(&ada).await;
    sqlx::query("update credentials set expires_at = now() + interval '1 second'").execute(&pool).await.unwrap();
    events.expect_bye("signed_out").await;
}

/// A stream reads page by page: by number, and by size.
#[sqlx::test]
async fn a_stream_that_is_behind_gets_every_change(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let tasks = import_long_tasks(&ada, 60).await;
    let ids: Vec<&Value> = tasks.iter().map(|task| &task["id"]).collect();
    for number in 1..=98 {
        if number % 7 == 0 {
            let action = if number % 2 == 0 { "complete" } else { "reopen" };
            ada.post("/api/tasks/bulk").json(&json!({ "action": action, "ids": ids })).await.ok(200);
        } else {
            ada.task(&format!("{number}")).await;
        }
    }
    let newest: i64 = sqlx::query_scalar("select event_seq from users").fetch_one(&pool).await.unwrap();
    // Both streams send the same pages.
    let mut streams = [EventStream::resume(&ada, 0).await, EventStream::resume(&ada, 0).await];
    for number in 1..=newest {
        for stream in &mut streams {
            assert_eq!(stream.expect("task").await.id, Some(number));
        }
    }
    let task = ada.task("a").await;
    for stream in &mut streams {
        stream.expect_task("created", &[&task]).await;
    }
}

#[sqlx::test]
async fn the_open_streams_of_a_user_are_bounded(pool: PgPool) {
    let app = App::with_settings(&pool, &[("MAX_STREAMS_PER_USER", "2")]);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let mut streams = vec![EventStream::connect(&ada).await];
    let export = ada.get("/api/tasks/export").open().await;
    for path in ["/api/events", "/api/tasks/export"] {
        let refused = ada.get(path).await;
        let problem = refused.problem(429, "too_many_at_a_time");
        let detail = "You have 2 streams at the same time, which is the limit. Wait until one has ended.";
        assert_eq!((problem["detail"].as_str(), refused.header("retry-after")), (Some(detail), "2"));
    }
    EventStream::connect(&eve).await;
    drop(export);
    streams.push(EventStream::connect(&ada).await);
    ada.get("/api/events").await.problem(429, "too_many_at_a_time");
    streams.pop();
    ada.get("/api/tasks/export").await.ok(200);
}

/// Streams of many users leave connections for other requests.
#[sqlx::test]
async fn the_open_streams_of_the_process_are_bounded(pool: PgPool) {
    let app = App::with_settings(&pool, &[("HTTP_MAX_CONNECTIONS", "8"), ("MAX_STREAMS_PER_USER", "5")]);
    let [ada, eve] = [app.user("ada").await, app.user("eve").await];
    let mut streams = Vec::new();
    for user in [&ada, &ada, &ada, &eve, &eve, &eve] {
        streams.push(EventStream::connect(user).await);
    }
    for path in ["/api/events", "/api/tasks/export"] {
        let refused = eve.get(path).await;
        refused.problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), "2");
    }
    streams.pop();
    ada.get("/api/tasks/export").await.ok(200);
}

#[sqlx::test]
async fn a_stream_resumes_after_the_last_event_that_was_seen(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let [a, b, c] = [ada.task("a").await, ada.task("b").await, ada.task("c").await];
    ada.delete(&path(&c)).await.ok(204);

    let mut events = EventStream::resume(&ada, 1).await;
    assert_eq!(events.expect_task("created", &[&b]).await, 2);
    // A task that was deleted since is not in the event of its creation.
    let event = events.expect("task").await;
    assert_eq!((event.id, event.data), (Some(3), json!({ "kind": "created", "ids": [c["id"]], "tasks": [] })));
    assert_eq!(events.expect_task("deleted", &[&c]).await, 4);
    let d = ada.task("d").await;
    assert_eq!(events.expect_task("created", &[&d]).await, 5);

    let mut by_query = EventStream::open(ada.get("/api/events?last_event_id=0")).await;
    assert_eq!(by_query.expect("hello").await.id, Some(0));
    assert_eq!(by_query.expect_task("created", &[&a]).await, 1);
    // A browser that reconnects sends the header, which is newer than the query.
    let mut by_both = EventStream::open(ada.get("/api/events?last_event_id=0").header("last-event-id", "4")).await;
    by_both.expect("hello").await;
    assert_eq!(by_both.expect_task("created", &[&d]).await, 5);
    // A stream from the newest position starts with the next change.
    let mut current = EventStream::resume(&ada, 5).await;
    let e = ada.task("e").await;
    assert_eq!(current.expect_task("created", &[&e]).await, 6);
}

#[sqlx::test]
async fn a_position_that_cannot_be_resumed_gets_a_resync(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    for number in 0..3 {
        ada.task(&format!("{number}")).await;
    }
    // A position after the newest one belongs to another database.
    for position in [4, 1_000_000, i64::MAX] {
        assert_eq!(EventStream::resume(&ada, position).await.expect("resync").await.id, Some(3));
    }
    let age = "update task_events set created_at = created_at - interval '2 hours' where seq <= 2";
    sqlx::query(age).execute(&pool).await.unwrap();
    remove_expired(&pool).await.unwrap();
    for position in [0, 1] {
        let mut events = EventStream::resume(&ada, position).await;
        assert_eq!(events.expect("resync").await.id, Some(3));
        assert_eq!(events.text, "");
    }
    assert_eq!(EventStream::resume(&ada, 2).await.expect("task").await.id, Some(3));

    for number in 0..100 {
        ada.task(&format!("{number}")).await;
    }
    assert_eq!(EventStream::resume(&ada, 3).await.expect("task").await.id, Some(4));
    assert_eq!(EventStream::resume(&ada, 2).await.expect("resync").await.id, Some(103));
}

#[sqlx::test]
async fn an_invalid_position_is_refused(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    for position in ["", "x", "1.5", "1 2", "-1", "9223372036854775808"] {
        let call = ada.get("/api/events").header("last-event-id", position);
        call.await.expect_field_error("Last-Event-ID", "must be the id of an event");
    }
    ada.get("/api/events?last_event_id=-1").await.expect_field_error("last_event_id", "must be the id of an event");
}

#[sqlx::test]
async fn signing_out_ends_the_streams_of_the_session_on_every_replica(pool: PgPool) {
    let [first, second] = [listening_replica(&pool), listening_replica(&pool)];
    let ada = first.user("ada").await;
    let phone = first.sign_in("ada", PASSWORD).await;
    let streams = [EventStream::connect(&ada).await, EventStream::connect(&ada.on(&second)).await];
    let mut other = EventStream::connect(&phone).await;

    ada.post("/api/auth/sign-out").await.ok(204);
    for stream in streams {
        stream.expect_bye("signed_out").await;
    }
    let task = phone.task("a").await;
    other.expect_task("created", &[&task]).await;
}

#[sqlx::test]
async fn a_revoked_or_expired_credential_ends_its_streams(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let created = ada.token("program").await;
    let program = app.bearer(created["token"].as_str().unwrap());
    let revoked = EventStream::connect(&program).await;
    ada.delete(&format!("/api/auth/tokens/{}", created["id"].as_str().unwrap())).await.ok(204);
    revoked.expect_bye("signed_out").await;

    let ended = EventStream::connect(&app.sign_in("ada", PASSWORD).await).await;
    ada.delete("/api/auth/sessions").await.ok(204);
    ended.expect_bye("signed_out").await;

    let by_password = EventStream::connect(&app.sign_in("ada", PASSWORD).await).await;
    let form = json!({ "current_password": PASSWORD, "new_password": "a new password" });
    ada.post("/api/auth/password").json(&form).await.ok(204);
    by_password.expect_bye("signed_out").await;

    let expired = EventStream::connect(&ada).await;
    sqlx::query("update credentials set expires_at = now()").execute(&pool).await.unwrap();
    sqlx::query("select pg_notify('wake', id::text) from users").execute(&pool).await.unwrap();
    expired.expect_bye("signed_out").await;
}

#[sqlx::test]
async fn a_shutdown_sends_bye_before_the_stream_ends(pool: PgPool) {
    let app = listening_replica(&pool);
    let ada = app.user("ada").await;
    let stream = EventStream::connect(&ada).await;
    app.state.shutdown.cancel();
    stream.expect_bye("shutdown").await;
    // A stream that is opened during the shutdown ends in the same way.
    EventStream::connect(&ada).await.expect_bye("shutdown").await;
}

/// Proxies close connections without traffic.
#[sqlx::test]
async fn an_idle_stream_sends_heartbeats(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    let mut events = EventStream::connect(&ada).await;
    for _ in 0..3 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(15)).await;
        tokio::time::resume();
        assert_eq!(events.next_block().await.unwrap(), ": ");
    }
}

#[sqlx::test]
async fn open_streams_are_counted(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    assert_eq!(app.state.event_streams.count(), 0);
    let streams = [EventStream::connect(&ada).await, EventStream::connect(&ada).await];
    assert_eq!(app.state.event_streams.count(), 2);
    drop(streams);
    assert_eq!(app.state.event_streams.count(), 0);
}
