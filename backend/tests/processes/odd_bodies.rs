//! Bodies and heads that no client of ours sends. None may cost much memory, end in an error of the server, or close a
//! connection without an answer.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep, timeout},
};

use crate::support::{Backend, TIMEOUT, User, migrate, url};

/// What the process may need at its peak, whatever it is sent, in KiB. The memory limit in the chart is 256 MiB.
const MAX_PEAK_KIB: u64 = 200 * 1024;
/// Largest file that an import reads, in bytes.
const MAX_IMPORT_BYTES: usize = 5 * 1024 * 1024;
/// Time limit of a request, in a build without optimisations on a busy machine.
const LONG_TIMEOUT: Duration = Duration::from_mins(1);

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Credential {
    None,
    Session,
    Token,
}

/// A route that takes a body, and a body that it accepts, apart from `$`, in whose place an odd value comes.
struct Route {
    method: Method,
    path: String,
    credential: Credential,
    body: &'static str,
}

async fn routes(backend: &Backend, user: &User) -> Vec<Route> {
    let task = user.create(&backend.url, "odd").await;
    let session = Credential::Session;
    let route = |method: Method, path: &str, credential, body| Route { method, path: path.into(), credential, body };
    vec![
        route(Method::POST, "/api/tasks", session, r#"{"title":$}"#),
        route(Method::POST, "/api/tasks", session, r#"{"title":"a","description":$}"#),
        route(Method::PATCH, &format!("/api/tasks/{task}"), session, r#"{"description":$}"#),
        route(Method::POST, "/api/tasks/bulk", session, r#"{"action":"complete","ids":$}"#),
        route(Method::POST, "/api/tasks/import", session, r#"[{"title":$}]"#),
        route(Method::POST, "/api/tasks/import", session, r#"[{"title":"a","created_at":$}]"#),
        route(Method::POST, "/api/auth/sign-up", Credential::None, r#"{"email":$,"password":"a"}"#),
        route(Method::POST, "/api/auth/sign-in", Credential::None, r#"{"email":$,"password":$}"#),
        route(Method::PATCH, "/api/auth/me", session, r#"{"name":$}"#),
        route(Method::DELETE, "/api/auth/me", session, r#"{"current_password":[$]}"#),
        route(Method::POST, "/api/auth/password", session, r#"{"current_password":[$],"new_password":$}"#),
        route(Method::POST, "/api/auth/tokens", session, r#"{"name":"a","expires_in_days":$}"#),
        route(Method::POST, "/api/chat", session, r#"{"message":$,"conversation_id":$}"#),
        route(Method::PATCH, &format!("/api/conversations/{task}"), session, r#"{"title":$}"#),
        route(
            Method::POST,
            "/mcp",
            Credential::Token,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_task","arguments":{"title":$}}}"#,
        ),
        route(Method::POST, "/mcp", Credential::Token, r#"{"jsonrpc":"2.0","id":$,"method":"tools/list"}"#),
    ]
}

/// Values in the place of a text, a number or a list.
fn odd_values() -> Vec<(String, Vec<u8>)> {
    let numbers = [
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "1e309",
        "-1e309",
        "-0",
        "-0.0",
        "1e-400",
        "0.1e-2147483649",
        "1e2147483648",
        "01",
        "NaN",
        "Infinity",
    ];
    let mut values: Vec<(String, Vec<u8>)> = numbers.map(|number| (number.to_owned(), number.into())).into();
    values.push(("a number of 50,000 digits".into(), "9".repeat(50_000).into()));
    values.push(("an exponent of 50,000 digits".into(), format!("1e{}", "9".repeat(50_000)).into()));
    for depth in [120, 127, 128, 129, 1000, 30_000, 100_000] {
        values.push((format!("{depth} open arrays"), "[".repeat(depth).into()));
        values.push((format!("{depth} arrays"), ("[".repeat(depth) + &"]".repeat(depth)).into()));
        values.push((format!("{depth} open objects"), r#"{"a":"#.repeat(depth).into()));
        values.push((format!("{depth} objects"), (r#"{"a":"#.repeat(depth) + "0" + &"}".repeat(depth)).into()));
    }
    for (name, value) in [
        ("a lone high surrogate", r#""\ud800""#),
        ("a lone low surrogate", r#""a\udfffb""#),
        ("surrogates in the wrong order", r#""\udc00\ud800""#),
        ("half of an escape", r#""\ud8"#),
        ("an escaped NUL", r#""a\u0000b""#),
        ("a NUL in an id", r#"["\u0000"]"#),
        ("a raw NUL", "\"a\0b\""),
        ("raw control characters", "\"a\u{1}\u{1f}\u{7f}b\""),
        ("line separators", "\"a\u{2028}\u{2029}\u{85}b\""),
        ("a byte order mark", "\u{feff}\"a\""),
        ("noncharacters", "\"\u{ffff}\u{10ffff}\""),
        ("a text from right to left", "\"\u{202e}a\""),
        ("a date before all", r#""-9999-01-01T00:00:00+23:59""#),
        ("a date after all", r#""9999-12-31T23:59:60-23:59""#),
        ("null", "null"),
        ("nothing", ""),
        ("a known key twice", r#"1,"title":"a","title":"b""#),
        ("a comment", "/* */ 1"),
    ] {
        values.push((name.into(), value.into()));
    }
    values.push(("60,000 duplicate keys".into(), format!("{{{}}}", vec![r#""a":1"#; 10_000].join(",")).into()));
    values.push(("a text of 60,000 characters".into(), format!("\"{}\"", "é".repeat(30_000)).into()));
    values.push(("60,000 zeros".into(), format!("[{}]", vec!["0"; 30_000].join(",")).into()));
    values.push(("20,000 empty objects".into(), format!("[{}]", vec!["{}"; 20_000].join(",")).into()));
    values.push(("invalid UTF-8".into(), b"\"\xff\xfe\xc0\x80\xed\xa0\x80\"".into()));
    values.push(("half a character".into(), b"\"\xf0\x9f\xa6\"".into()));
    values
}

fn body(route: &Route, value: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (number, part) in route.body.split('$').enumerate() {
        if number > 0 {
            body.extend_from_slice(value);
        }
        body.extend_from_slice(part.as_bytes());
    }
    body
}

/// The clients of a user.
struct Sender<'a> {
    backend: &'a Backend,
    user: &'a User,
    token: String,
}

impl<'a> Sender<'a> {
    async fn new(backend: &'a Backend, user: &'a User) -> Self {
        let token = user.post(format!("{}/api/auth/tokens", backend.url), &json!({ "name": "odd" })).await;
        let token: Value = token.json().await.unwrap();
        Self { backend, user, token: token["token"].as_str().unwrap().to_owned() }
    }

    /// Sends a request, and asserts that its answer is complete and no fault of the server.
    async fn send(&self, route: &Route, content_type: &str, encoding: Option<&str>, body: Vec<u8>, name: &str) {
        let Self { backend, user, token } = self;
        let url = format!("{}{}", backend.url, route.path);
        let mut request = match route.credential {
            Credential::Session => user.request(route.method.clone(), url),
            Credential::None => reqwest::Client::new().request(route.method.clone(), url),
            Credential::Token => {
                let accept = "application/json, text/event-stream";
                let request = reqwest::Client::new().request(route.method.clone(), url);
                request.header("authorization", format!("Bearer {token}")).header("accept", accept)
            }
        };
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let case = format!("{} {} {content_type:?}: {name}", route.method, route.path);
        let answer = request.timeout(LONG_TIMEOUT).body(body).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{case}: {error:?}\n{}", backend.log()));
        let status = answer.status();
        let text = answer.text().await.unwrap_or_else(|error| panic!("{case}: {status} without a whole body: {error}"));
        let expected = !status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(expected, "{case}: {status} {text}\n{}", backend.log());
        assert!(text.len() < 256 * 1024, "{case}: an answer of {} bytes", text.len());
    }
}

/// Asserts that the service is ready, and has not taken much memory.
async fn expect_sound(backend: &Backend, after: &str) {
    assert_eq!(backend.get("/ready").await.status(), StatusCode::OK, "{after}");
    let peak = backend.peak_memory_kib();
    println!("memory: a peak of {} MiB after {after}", peak / 1024);
    assert!(peak < MAX_PEAK_KIB, "{after}: a peak of {peak} KiB");
}

async fn start(options: &PgConnectOptions, request_timeout: &str) -> (Backend, User) {
    let url = url(options);
    migrate(&url).await;
    let settings = [("REQUEST_TIMEOUT_SECONDS", request_timeout), ("SIGN_UPS_PER_HOUR", "1000000")];
    let backend = Backend::start_ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;
    (backend, user)
}

#[sqlx::test(migrations = false)]
async fn odd_values_are_refused_or_stored(_: PgPoolOptions, options: PgConnectOptions) {
    let (backend, user) = start(&options, "60").await;
    let sender = Sender::new(&backend, &user).await;
    let (routes, values) = (routes(&backend, &user).await, odd_values());
    for route in &routes {
        let send = async |(name, value): &(String, Vec<u8>)| {
            sender.send(route, "application/json", None, body(route, value), name).await;
            // The value without anything around it.
            sender.send(route, "application/json", None, value.clone(), name).await;
        };
        stream::iter(&values).for_each_concurrent(4, send).await;
        expect_sound(&backend, &route.path).await;
    }
    // Whatever was stored can be read again.
    for path in ["/api/tasks?limit=200", "/api/tasks/export", "/api/auth/me", "/api/conversations"] {
        let answer = user.get(format!("{}{path}", backend.url)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json::<Value>().await.unwrap();
    }
}

#[sqlx::test(migrations = false)]
async fn odd_types_encodings_and_sizes_are_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let (backend, user) = start(&options, "60").await;
    let sender = Sender::new(&backend, &user).await;
    let routes = routes(&backend, &user).await;
    let filled = |start: &str, repeated: &str| format!("{start}{}", repeated.repeat(MAX_IMPORT_BYTES / repeated.len()));
    for route in &routes {
        for content_type in
            ["", "text/plain", "application/json; charset=utf-16", "/", "text/csv", "multipart/form-data"]
        {
            sender.send(route, content_type, None, body(route, b"\"a\""), "a type").await;
        }
        for encoding in ["gzip", "br", "deflate, gzip", "identity", "odd"] {
            sender.send(route, "application/json", Some(encoding), body(route, b"\"a\""), encoding).await;
            let compressed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d".to_vec();
            sender.send(route, "application/json", Some(encoding), compressed, encoding).await;
        }
        let files = [("zeros", filled("[0", ",0")), ("objects", filled("[{}", ",{}")), ("blank", filled("", " "))];
        let send = async |(name, file): &(&str, String)| {
            let file = file.as_bytes()[..MAX_IMPORT_BYTES - 1].to_vec();
            sender.send(route, "application/json", None, file, name).await;
        };
        stream::iter(files.iter().cycle().take(9)).for_each_concurrent(9, send).await;
        expect_sound(&backend, &route.path).await;
    }
}

/// A request whose head ends and whose body is sent by the test.
async fn begin(backend: &Backend, user: &User, path: &str, header: &str) -> (OwnedReadHalf, OwnedWriteHalf) {
    let address = backend.url.strip_prefix("http://").unwrap();
    let (answer, mut body) = TcpStream::connect(address).await.unwrap().into_split();
    let cookie = &user.cookie;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n{header}\r\n\r\n"
    );
    body.write_all(head.as_bytes()).await.unwrap();
    (answer, body)
}

/// The first line of the answer. It is empty if the connection was closed without one.
async fn status_line(mut answer: OwnedReadHalf) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    let read = async {
        while !text.contains(&b'\r') {
            match answer.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(length) => text.extend_from_slice(&part[..length]),
            }
        }
    };
    timeout(TIMEOUT, read).await.expect("the connection is answered or closed");
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

#[sqlx::test(migrations = false)]
async fn bodies_without_an_end_are_ended(_: PgPoolOptions, options: PgConnectOptions) {
    let (backend, user) = start(&options, "2").await;
    let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "[".repeat(size)).into_bytes();
    let (small, large) = (chunk(1), chunk(32 * 1024));
    for (path, pause, chunk, expected) in [
        ("/api/tasks", 50, &small, " 503 "),
        ("/api/tasks/import", 50, &small, " 503 "),
        ("/api/tasks", 0, &large, " 413 "),
        ("/api/tasks/import", 0, &large, " 413 "),
    ] {
        let started = Instant::now();
        let (answer, mut body) = begin(&backend, &user, path, "transfer-encoding: chunked").await;
        let writer = tokio::spawn({
            let chunk = chunk.clone();
            async move {
                while body.write_all(&chunk).await.is_ok() {
                    sleep(Duration::from_millis(pause)).await;
                }
            }
        });
        let status = status_line(answer).await;
        assert!(status.contains(expected), "{path}: {status:?}");
        let took = started.elapsed();
        assert!(took < Duration::from_secs(10), "{path} took {took:?}");
        timeout(TIMEOUT, writer).await.expect("the connection is closed").unwrap();
    }
    expect_sound(&backend, "bodies without an end").await;
}

#[sqlx::test(migrations = false)]
async fn a_body_of_another_length_than_it_says_is_answered(_: PgPoolOptions, options: PgConnectOptions) {
    let (backend, user) = start(&options, "1").await;
    let task = r#"{"title":"a"}"#;
    for (header, body, expected) in [
        ("content-length: 5000000000", task, " 503 "),
        ("content-length: 18446744073709551615", task, " "),
        ("content-length: 99999999999999999999999", task, " 400 "),
        ("content-length: -1", task, " 400 "),
        ("content-length: 13\r\ncontent-length: 14", task, " 400 "),
        ("content-length: 14", task, " 503 "),
        ("content-length: 12", task, " 400 "),
        ("content-length: 13\r\ntransfer-encoding: chunked", "d\r\n{\"title\":\"a\"}\r\n0\r\n\r\n", " "),
        ("transfer-encoding: chunked", "not a size\r\n", " 400 "),
        ("transfer-encoding: chunked", "ffffffffffffffffff\r\n", " 400 "),
        ("transfer-encoding: chunked", "d;a=b\r\n{\"title\":\"a\"}\r\n0\r\nx-trailer: a\r\n\r\n", " 201 "),
        ("transfer-encoding: gzip", task, " 400 "),
        ("", "", " 400 "),
    ] {
        let (answer, mut sending) = begin(&backend, &user, "/api/tasks", header).await;
        // The server need not read all of it.
        let _ = sending.write_all(body.as_bytes()).await;
        let status = status_line(answer).await;
        assert!(status.contains(expected) && !status.contains(" 500 "), "{header} {body}: {status:?}");
    }
    expect_sound(&backend, "bodies of other lengths").await;
}

/// Each connection sends as much of a large body as the server takes.
#[sqlx::test(migrations = false)]
async fn many_large_bodies_take_little_memory(_: PgPoolOptions, options: PgConnectOptions) {
    let (backend, user) = start(&options, "5").await;
    let before = backend.peak_memory_kib();
    let file = vec![b' '; 4 * 1024 * 1024];
    let send = async |number: usize| {
        let path = if number.is_multiple_of(2) { "/api/tasks/import" } else { "/api/tasks" };
        let (answer, mut body) = begin(&backend, &user, path, "content-length: 5242880").await;
        let _ = timeout(Duration::from_secs(4), body.write_all(&file)).await;
        status_line(answer).await
    };
    let answers: Vec<String> = stream::iter(0..300).map(send).buffer_unordered(300).collect().await;
    assert!(answers.iter().all(|status| !status.contains(" 500 ")), "{answers:?}");
    println!("memory: a peak of {} MiB before 300 large bodies", before / 1024);
    expect_sound(&backend, "300 large bodies at a time").await;
}
