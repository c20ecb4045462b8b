//! Clients that send slowly, or too much.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};

use crate::support::{Backend, LIMIT, User, migrate, url};

#[sqlx::test(migrations = false)]
async fn a_body_that_trickles_in_is_given_up_with_an_answer(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::ready(&url, &[("REQUEST_TIMEOUT_SECONDS", "1")]).await;
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
    let trickle = async {
        let mut pace = interval(Duration::from_millis(50));
        // Until the other end has had enough.
        while body.write_all(b" ").await.is_ok() {
            pace.tick().await;
        }
        std::future::pending::<()>().await;
    };
    let mut text = [0; 1024];
    let read = tokio::select! {
        read = timeout(LIMIT, answer.read(&mut text)) => read.expect("an answer in time").unwrap(),
        () = trickle => unreachable!(),
    };
    let (took, text) = (started.elapsed(), String::from_utf8_lossy(&text[..read]));
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    assert!(text.contains("retry-after: "), "{text}");
    assert!(text.contains(r#""code":"timeout""#), "{text}");
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(3), "took {took:?}");
}

#[sqlx::test(migrations = false)]
async fn a_body_that_is_too_large_is_refused_with_an_answer(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    for (path, limit) in [("tasks", 64 << 10), ("tasks/import", 5 << 20)] {
        let post = async |size: usize| {
            let request = user.request(Method::POST, format!("{}/api/{path}", backend.url));
            let request = request.header("content-type", "application/json").body(vec![b' '; size]);
            request.send().await.unwrap().status()
        };
        assert_eq!(post(limit).await, StatusCode::BAD_REQUEST, "blank, but not too large for {path}");
        assert_eq!(post(limit + 1).await, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}
