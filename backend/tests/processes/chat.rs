//! Turns of the chat when their process stops or dies, and the connection to the model.

use std::{
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Method, StatusCode};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use todo_llm::{Model, Reply, Script};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::support::{Backend, EventStream, User, migrate, url};

const API_KEY: &str = "sk-The-Key-Of-The-Model";

/// Starts a turn, and returns the stream of its events.
async fn start_turn(user: &User, backend: &Backend, form: Value) -> EventStream {
    let request = user.request(Method::POST, format!("{}/api/chat", backend.url)).json(&form);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    EventStream::new(response)
}

/// Reads the stream up to the first text, and returns the id of the conversation.
async fn read_until_text(stream: &mut EventStream) -> String {
    let conversation = stream.expect("message_start").await.data["conversation_id"].as_str().unwrap().to_owned();
    stream.expect("message_start").await;
    stream.expect("text_delta").await;
    conversation
}

/// Reads the stream to its end, and returns the remaining text and the reason for the end.
async fn read_to_end(stream: &mut EventStream) -> (String, String) {
    let (mut text, mut end) = (String::new(), String::new());
    while let Some(event) = stream.next("the end of the turn").await {
        match event.name.as_str() {
            "text_delta" => text.push_str(event.data["text"].as_str().unwrap()),
            "message_end" => event.data["reason"].as_str().unwrap().clone_into(&mut end),
            "error" => event.data["code"].as_str().unwrap().clone_into(&mut end),
            _ => {}
        }
    }
    (text, end)
}

#[sqlx::test(migrations = false)]
async fn sigterm_interrupts_a_running_turn(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let count = || Reply::text("one two").gate("never", 2);
    let model = Model::start(Script::in_order([count(), count(), Reply::text("Next.")])).await;
    let model_url = model.url();
    let settings =
        [("OPENAI_BASE_URL", &*model_url), ("SHUTDOWN_DRAIN_SECONDS", "1"), ("SHUTDOWN_TIMEOUT_SECONDS", "5")];
    let mut backend = Backend::start_ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;
    let mut stream = start_turn(&user, &backend, json!({ "message": "Count" })).await;
    let conversation = read_until_text(&mut stream).await;
    // The stream of this turn is closed.
    read_until_text(&mut start_turn(&user, &backend, json!({ "message": "Count" })).await).await;

    let terminated = Instant::now();
    backend.terminate();
    assert_eq!(read_to_end(&mut stream).await, (String::new(), "interrupted".into()));
    let status = backend.wait_for_exit().await;
    assert!(status.success(), "{status}\n{}", backend.log());
    assert!(terminated.elapsed() < Duration::from_secs(6), "took {:?}", terminated.elapsed());

    let next = Backend::start_ready(&url, &settings).await;
    let list: Value = user.get(format!("{}/api/conversations", next.url)).await.json().await.unwrap();
    assert!(list["conversations"].as_array().unwrap().iter().all(|entry| entry["at_work"] == false), "{list}");
    let form = json!({ "conversation_id": conversation, "message": "Go on" });
    assert_eq!(read_to_end(&mut start_turn(&user, &next, form).await).await, ("Next.".into(), "done".into()));
    let messages = model.requests().last().unwrap()["messages"].clone();
    assert_eq!(messages[2]["content"], "one ", "the text of the interrupted turn is lost: {messages}");
}

#[sqlx::test(migrations = false)]
async fn a_killed_process_loses_no_streamed_text(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let model = Model::start(Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")])).await;
    let model_url = model.url();
    let settings = [("OPENAI_BASE_URL", &*model_url)];
    let (killed_backend, other) =
        tokio::join!(Backend::start_ready(&url, &settings), Backend::start_ready(&url, &settings));
    let user = User::sign_up(&killed_backend.url).await;
    let mut stream = start_turn(&user, &killed_backend, json!({ "message": "Count" })).await;
    let conversation = read_until_text(&mut stream).await;
    let path = format!("{}/api/chat/{conversation}/events?last_event_id=0", other.url);
    let mut stream_of_other = EventStream::new(user.request(Method::GET, path).send().await.unwrap());
    read_until_text(&mut stream_of_other).await;

    drop(killed_backend);
    let killed = Instant::now();
    assert_eq!(read_to_end(&mut stream_of_other).await, (String::new(), "interrupted".into()));
    println!("chat: the other replica ended the turn after {:?}", killed.elapsed());
    let form = json!({ "conversation_id": conversation, "message": "Go on" });
    assert_eq!(read_to_end(&mut start_turn(&user, &other, form).await).await, ("Next.".into(), "done".into()));
    assert_eq!(model.requests()[1]["messages"][2]["content"], "one ");
}

/// Terminates TLS in front of the model. Returns the port, and the certificate as PEM.
async fn start_tls_proxy(model: SocketAddr) -> (u16, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                copy_bidirectional(&mut stream, &mut TcpStream::connect(model).await?).await
            });
        }
    });
    (port, cert.pem())
}

/// Certificates are verified by the authorities in `SSL_CERT_FILE`. `HTTPS_PROXY` and `ALL_PROXY` are ignored.
#[sqlx::test(migrations = false)]
async fn certificates_are_verified_and_proxies_ignored(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let replies = (0..2).map(|_| Reply::text("Hello."));
    let model = Model::start(Script { key: Some(API_KEY.into()), ..Script::in_order(replies) }).await;
    let (port, certificate) = start_tls_proxy(model.address()).await;
    let mut authorities = tempfile::NamedTempFile::new().unwrap();
    authorities.write_all(certificate.as_bytes()).unwrap();
    let (authorities, base_url) = (authorities.path().to_str().unwrap(), format!("https://localhost:{port}/v1"));
    let settings = [
        ("OPENAI_BASE_URL", &*base_url),
        ("OPENAI_API_KEY", API_KEY),
        ("LOG_LEVEL", "debug"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
    ];
    let with_authorities = [&settings[..], &[("SSL_CERT_FILE", authorities)]].concat();
    let (trusting, other) =
        tokio::join!(Backend::start_ready(&url, &with_authorities), Backend::start_ready(&url, &settings));
    let user = User::sign_up(&trusting.url).await;
    let answer = read_to_end(&mut start_turn(&user, &trusting, json!({ "message": "Hi" })).await).await;
    assert_eq!(answer, ("Hello.".into(), "done".into()), "{}", trusting.log());
    let answer = read_to_end(&mut start_turn(&user, &other, json!({ "message": "Hi" })).await).await;
    assert_eq!(answer, (String::new(), "model_unavailable".into()), "an unknown certificate was accepted");
    for backend in [trusting, other] {
        assert!(!backend.log().contains(API_KEY), "the key is in the log");
    }
}
