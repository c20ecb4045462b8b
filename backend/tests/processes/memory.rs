//! The memory of the process.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{Backend, User, migrate, url};

/// Half of the memory limit of a container in the chart.
const MAX_RESIDENT_BYTES: u64 = 128 * 1024 * 1024;
/// What the process may need at its peak, whatever it is sent, in KiB. The memory limit in the chart is 256 MiB.
const MAX_PEAK_KIB: u64 = 200 * 1024;
/// Time limit of one of many imports, in a build without optimisations on a busy machine.
const LONG_TIMEOUT: Duration = Duration::from_mins(2);
/// Largest file that an import reads, in bytes.
const MAX_IMPORT_BYTES: usize = 5 * 1024 * 1024;

#[sqlx::test(migrations = false)]
async fn hashing_passwords_does_not_accumulate_memory(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("SIGN_UPS_PER_HOUR", "100")]).await;
    stream::iter(0..100).for_each_concurrent(12, async |_| drop(User::sign_up(&backend.url).await)).await;
    let resident = backend.metric("process_resident_memory_bytes").await;
    println!("memory: {} MiB after 100 sign-ups", resident / 1024 / 1024);
    assert!(resident < MAX_RESIDENT_BYTES, "{resident} bytes");
}

/// Repeats a text up to the size of the largest file.
fn filled(start: &str, repeated: &str, end: &str) -> String {
    let times = (MAX_IMPORT_BYTES - start.len() - end.len()) / repeated.len();
    format!("{start}{}{end}", repeated.repeat(times))
}

/// Files as large as they may be. Each costs a parser much memory that builds all of it before it checks it.
fn hostile_files() -> Vec<(&'static str, &'static str, String)> {
    let key = "k".repeat(60_000);
    vec![
        ("numbers", "application/json", filled("[0", ",0", "]")),
        ("empty objects", "application/json", filled("[{}", ",{}", "]")),
        ("one entry with an array", "application/json", filled(r#"[{"title":[0"#, ",0", "]}]")),
        ("one entry that is an array", "application/json", filled("[[0", ",0", "]]")),
        ("many keys", "application/json", filled(r#"[{"title":"a""#, r#","title":"a""#, "}]")),
        ("nested arrays", "application/json", "[".repeat(MAX_IMPORT_BYTES)),
        ("nested objects", "application/json", filled("[", r#"{"a":"#, "")),
        ("a long title", "application/json", filled(r#"[{"title":""#, r"\u0041", r#""}]"#)),
        ("long unknown fields", "application/json", filled("[{}", &format!(r#",{{"{key}":1}}"#), "]")),
        ("long unknown values", "application/json", filled("[{}", &format!(r#",{{"status":"{key}"}}"#), "]")),
        ("columns", "text/csv", filled("title", ",a", "\n")),
        ("distinct columns", "text/csv", {
            let names: Vec<String> = (0..600_000).map(|number| format!("{number:x}")).collect();
            format!("title,{}\n", names.join(","))
        }),
        ("cells", "text/csv", filled("title\n", ",", "")),
        ("a long cell", "text/csv", filled("title\n\"", "aaaaaaaa", "\"\n")),
        ("short lines", "text/csv", filled("title\n", "\"\"\n", "")),
        ("twenty thousand tasks", "application/json", {
            let task = json!({ "title": "t", "description": "d".repeat(200) }).to_string();
            format!("[{}]", vec![task; 20_000].join(","))
        }),
    ]
}

#[sqlx::test(migrations = false)]
async fn no_import_takes_much_memory(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "120")]).await;
    let mut users = Vec::new();
    for _ in 0..4 {
        users.push(User::sign_up(&backend.url).await);
    }
    for (name, content_type, file) in hostile_files() {
        let import = async |user: &User| {
            let request = user.request(Method::POST, format!("{}/api/tasks/import", backend.url));
            let request = request.timeout(LONG_TIMEOUT).header("content-type", content_type).body(file.clone());
            let response = request.send().await.unwrap();
            let status = response.status();
            let answer = response.bytes().await.unwrap();
            assert!(answer.len() < 64 * 1024, "{name}: the answer has {} bytes", answer.len());
            let expected = [StatusCode::CREATED, StatusCode::SERVICE_UNAVAILABLE];
            assert!(status.is_client_error() || expected.contains(&status), "{name}: {status}");
        };
        stream::iter(users.iter().chain(&users)).for_each_concurrent(8, import).await;
        println!("memory: a peak of {} MiB after 8 imports at a time: {name}", backend.peak_memory_kib() / 1024);
    }
    let peak = backend.peak_memory_kib();
    assert!(peak < MAX_PEAK_KIB, "a peak of {peak} KiB");
}

/// Each of the streams is opened at a position after which the same 200 long tasks were changed 98 times.
#[sqlx::test(migrations = false)]
async fn streams_that_nobody_reads_take_little_memory(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    let task = json!({ "title": "t", "description": "🦀".repeat(1000) });
    let import = user.post(format!("{}/api/tasks/import", backend.url), &json!(vec![task; 200])).await;
    assert_eq!(import.status(), StatusCode::CREATED);
    let page: Value = user.get(format!("{}/api/tasks?limit=200", backend.url)).await.json().await.unwrap();
    let ids: Vec<&Value> = page["tasks"].as_array().unwrap().iter().map(|task| &task["id"]).collect();
    for number in 0..98 {
        let action = if number % 2 == 0 { "complete" } else { "reopen" };
        let form = json!({ "action": action, "ids": ids });
        assert_eq!(user.post(format!("{}/api/tasks/bulk", backend.url), &form).await.status(), StatusCode::OK);
    }
    let before = backend.peak_memory_kib();
    let open = async || user.get(format!("{}/api/events?last_event_id=1", backend.url)).await;
    let mut streams: Vec<_> = stream::iter(0..8).then(async |_| open().await).collect().await;
    for stream in &mut streams {
        assert_eq!(stream.status(), StatusCode::OK);
        // The stream has begun, and waits for its reader.
        stream.chunk().await.unwrap().unwrap();
    }
    let peak = backend.peak_memory_kib();
    println!("memory: a peak of {} MiB, {} MiB before the streams", peak / 1024, before / 1024);
    assert!(peak < MAX_PEAK_KIB, "a peak of {peak} KiB");
}
