//! Clients that send a body slowly, and bodies that are too large.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};

use crate::support::{Backend, TIMEOUT, User, migrate, url};

#[sqlx::test(migrations = false)]
async fn a_slow_body_times_out_with_a_response(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let user = User::sign_up(&backend.url).await;
    let address = backend.url.strip_prefix("http://").unwrap();
    let (mut answer, mut body) = TcpStream::connect(address).await.unwrap().into_split();
    let head = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n",
        user.cookie
    );
    let started = Instant::now();
    body.write_all(head.as_bytes()).await.unwrap();
    let send_slowly = async {
        let mut ticks = interval(Duration::from_millis(50));
        // Writing fails once the server has closed the connection.
        while body.write_all(b" ").await.is_ok() {
            ticks.tick().await;
        }
        std::future::pending::<()>().await;
    };
    let mut text = [0; 1024];
    let read = tokio::select! {
        read = timeout(TIMEOUT, answer.read(&mut text)) => read.expect("an answer in time").unwrap(),
        () = send_slowly => unreachable!(),
    };
    let (took, text) = (started.elapsed(), String::from_utf8_lossy(&text[..read]));
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    assert!(text.contains("retry-after: "), "{text}");
    assert!(text.contains(r#""code":"timeout""#), "{text}");
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(3), "took {took:?}");
}

#[sqlx::test(migrations = false)]
async fn a_too_large_body_is_refused_with_a_response(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    for (path, limit) in [("tasks", 64 << 10), ("tasks/import", 5 << 20)] {
        let post = async |size: usize| {
            let request = user.request(Method::POST, format!("{}/api/{path}", backend.url));
            let request = request.header("content-type", "application/json").body(vec![b' '; size]);
            request.send().await.unwrap().status()
        };
        assert_eq!(post(limit).await, StatusCode::BAD_REQUEST, "a blank body of the maximum size for {path}");
        assert_eq!(post(limit + 1).await, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}
