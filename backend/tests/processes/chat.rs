//! Turns of the chat when their process is told to stop or dies, and the way to the model.

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

const KEY: &str = "sk-The-Key-Of-The-Model";

async fn say(user: &User, backend: &Backend, form: Value) -> EventStream {
    let request = user.request(Method::POST, format!("{}/api/chat", backend.url)).json(&form);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    EventStream::new(response)
}

/// Reads until a text has come; gives the conversation.
async fn until_text(stream: &mut EventStream) -> String {
    let conversation = stream.expect("message_start").await.data["conversation_id"].as_str().unwrap().to_owned();
    stream.expect("message_start").await;
    stream.expect("text_delta").await;
    conversation
}

/// Text and end of what is left of a turn.
async fn rest(stream: &mut EventStream) -> (String, String) {
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
async fn sigterm_in_the_middle_of_a_turn(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let count = || Reply::text("one two").gate("never", 2);
    let model = Model::start(Script::in_order([count(), count(), Reply::text("Next.")])).await;
    let model_url = model.url();
    let settings =
        [("OPENAI_BASE_URL", &*model_url), ("SHUTDOWN_DRAIN_SECONDS", "1"), ("SHUTDOWN_TIMEOUT_SECONDS", "5")];
    let mut backend = Backend::ready(&url, &settings).await;
    let user = User::sign_up(&backend.url).await;
    let mut stream = say(&user, &backend, json!({ "message": "Count" })).await;
    let conversation = until_text(&mut stream).await;
    // Nobody follows this one.
    until_text(&mut say(&user, &backend, json!({ "message": "Count" })).await).await;

    let told = Instant::now();
    backend.terminate();
    assert_eq!(rest(&mut stream).await, (String::new(), "interrupted".into()));
    let status = backend.ended().await;
    assert!(status.success(), "{status}\n{}", backend.log());
    assert!(told.elapsed() < Duration::from_secs(6), "took {:?}", told.elapsed());

    let next = Backend::ready(&url, &settings).await;
    let list: Value = user.get(format!("{}/api/conversations", next.url)).await.json().await.unwrap();
    assert!(list["conversations"].as_array().unwrap().iter().all(|entry| entry["at_work"] == false), "{list}");
    let form = json!({ "conversation_id": conversation, "message": "Go on" });
    assert_eq!(rest(&mut say(&user, &next, form).await).await, ("Next.".into(), "done".into()));
    let asked = model.requests().last().unwrap()["messages"].clone();
    assert_eq!(asked[2]["content"], "one ", "what was answered is kept: {asked}");
}

#[sqlx::test(migrations = false)]
async fn a_killed_process_loses_no_text_that_was_told(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let model = Model::start(Script::in_order([Reply::text("one two").gate("never", 2), Reply::text("Next.")])).await;
    let model_url = model.url();
    let settings = [("OPENAI_BASE_URL", &*model_url)];
    let (doomed, other) = tokio::join!(Backend::ready(&url, &settings), Backend::ready(&url, &settings));
    let user = User::sign_up(&doomed.url).await;
    let mut stream = say(&user, &doomed, json!({ "message": "Count" })).await;
    let conversation = until_text(&mut stream).await;
    let path = format!("{}/api/chat/{conversation}/events?last_event_id=0", other.url);
    let mut followed = EventStream::new(user.request(Method::GET, path).send().await.unwrap());
    until_text(&mut followed).await;

    drop(doomed);
    let killed = Instant::now();
    assert_eq!(rest(&mut followed).await, (String::new(), "interrupted".into()));
    println!("chat: the other replica told after {:?}", killed.elapsed());
    let form = json!({ "conversation_id": conversation, "message": "Go on" });
    assert_eq!(rest(&mut say(&user, &other, form).await).await, ("Next.".into(), "done".into()));
    assert_eq!(model.requests()[1]["messages"][2]["content"], "one ");
}

/// Ends TLS in front of the model. Gives the port, and the certificate as PEM.
async fn tls_in_front_of(model: SocketAddr) -> (u16, String) {
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

/// With the authorities of `SSL_CERT_FILE`, and with the key; not through a proxy that the environment names.
#[sqlx::test(migrations = false)]
async fn https_is_checked_and_needs_no_proxy(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let replies = (0..2).map(|_| Reply::text("Hello."));
    let model = Model::start(Script { key: Some(KEY.into()), ..Script::in_order(replies) }).await;
    let (port, certificate) = tls_in_front_of(model.address()).await;
    let mut authorities = tempfile::NamedTempFile::new().unwrap();
    authorities.write_all(certificate.as_bytes()).unwrap();
    let (authorities, base_url) = (authorities.path().to_str().unwrap(), format!("https://localhost:{port}/v1"));
    let settings = [
        ("OPENAI_BASE_URL", &*base_url),
        ("OPENAI_API_KEY", KEY),
        ("LOG_LEVEL", "debug"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
    ];
    let known = [&settings[..], &[("SSL_CERT_FILE", authorities)]].concat();
    let (trusting, other) = tokio::join!(Backend::ready(&url, &known), Backend::ready(&url, &settings));
    let user = User::sign_up(&trusting.url).await;
    let answer = rest(&mut say(&user, &trusting, json!({ "message": "Hi" })).await).await;
    assert_eq!(answer, ("Hello.".into(), "done".into()), "{}", trusting.log());
    let answer = rest(&mut say(&user, &other, json!({ "message": "Hi" })).await).await;
    assert_eq!(answer, (String::new(), "model_unavailable".into()), "the certificate is nobody's");
    for backend in [trusting, other] {
        assert!(!backend.log().contains(KEY), "the key is in the log");
    }
}
