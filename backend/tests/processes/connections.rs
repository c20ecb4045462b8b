//! Clients that open connections and do not use them, or send a head without end.

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Backend, TIMEOUT, User, migrate, url, wait_until};

async fn connect(backend: &Backend) -> TcpStream {
    TcpStream::connect(backend.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Waits until the server closes the connection, and returns what it sent before.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // An error is another way to close.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.expect("the connection is closed");
    String::from_utf8(answer).unwrap()
}

#[sqlx::test(migrations = false)]
async fn floods_of_unused_connections_are_bounded(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("HTTP_MAX_CONNECTIONS", "16")]).await;
    let user = User::sign_up(&backend.url).await;
    let mut events = user.events(&backend.url).await;

    let mut flood = Vec::new();
    for number in 0..200 {
        let mut stream = connect(&backend).await;
        // Idle from the start, in the middle of a head, and idle after a request.
        let head: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /health HTTP/1.1\r\nhost: todo\r\nx-slow: ",
            _ => b"GET /health HTTP/1.1\r\nhost: todo\r\n\r\nGET /hea",
        };
        // The server may have closed it already for the next one.
        let _ = stream.write_all(head).await;
        flood.push(stream);
    }
    // The metrics have a listener of their own, whose connections count too.
    let open = backend.metric("http_connections").await;
    assert!(open <= 16 + 4, "{open} connections are open");
    assert!(backend.metric("http_connections_shed_total").await >= 150);
    // Others are served on new connections, and streams go on.
    let started = Instant::now();
    let answer = Client::new().get(format!("{}/health", backend.url)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let task = user.create(&backend.url, "during the flood").await;
    events.wait_for_tasks(vec![task]).await;
    println!("connections: served after {:?} in a flood of {}", started.elapsed(), flood.len());
}

#[sqlx::test(migrations = false)]
async fn a_connection_has_to_send_a_request_in_time(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "1")]).await;
    for head in ["", "GET /health HTTP/1.1\r\nhost: todo\r\nx-slow: "] {
        let started = Instant::now();
        let mut stream = connect(&backend).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "");
        let took = started.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(5), "{head:?} took {took:?}");
    }
}

/// A client that asks for much and takes nothing.
#[sqlx::test(migrations = false)]
async fn a_client_that_does_not_read_is_disconnected(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let user = User::sign_up(&backend.url).await;
    let tasks: Vec<Value> =
        (0..4000).map(|number| json!({ "title": format!("{number}"), "description": "x".repeat(1000) })).collect();
    let imported = user.post(format!("{}/api/tasks/import", backend.url), &json!(tasks)).await;
    assert_eq!(imported.status(), StatusCode::CREATED);

    let before = backend.metric("http_connections").await;
    let mut stream = connect(&backend).await;
    // Several in a row, since the buffers of the system take the first.
    let request = format!("GET /api/tasks/export HTTP/1.1\r\nhost: todo\r\ncookie: {}\r\n\r\n", user.cookie);
    stream.write_all(request.repeat(4).as_bytes()).await.unwrap();
    wait_until("the export has begun", async || (backend.metric("http_connections").await > before).then_some(()))
        .await;
    let started = Instant::now();
    wait_until("it is disconnected", async || (backend.metric("http_connections").await <= before).then_some(())).await;
    println!("connections: a client that does not read was disconnected after {:?}", started.elapsed());
}

#[sqlx::test(migrations = false)]
async fn a_head_that_is_too_large_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    for (number, value) in [(10_000, "1"), (50, "x".repeat(1000).as_str())] {
        let mut stream = connect(&backend).await;
        let headers = (0..number).map(|name| format!("x-{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let head = format!("GET /health HTTP/1.1\r\nhost: todo\r\n{headers}\r\n");
        // The server does not have to read all of it.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = read_to_end(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}
