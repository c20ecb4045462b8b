//! Answers on the wire.

use std::io::Read;

use sqlx::PgPool;

use crate::{
    events::EventStream,
    support::{App, path},
};

/// More than one packet of JSON.
const TASKS: usize = 20;

#[sqlx::test]
async fn a_list_is_compressed_as_the_client_asks(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let title = format!("title\n{}", "Water the plants\n".repeat(TASKS));
    ada.post("/api/tasks/import").body("text/csv", title).await.ok(201);
    let plain = ada.get("/api/tasks").await;
    assert!(!plain.headers.contains_key("content-encoding"));
    for (accepted, encoding) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("zstd;q=0, br;q=0.1, gzip;q=0.5", "gzip"),
    ] {
        let reply = ada.get("/api/tasks").header("accept-encoding", accepted).await;
        assert_eq!(reply.header("content-encoding"), encoding, "{accepted}");
        assert!(reply.header("vary").contains("accept-encoding"));
        assert!(reply.body.len() * 4 < plain.body.len(), "{encoding}: {} bytes", reply.body.len());
    }
    let zipped = ada.get("/api/tasks").header("accept-encoding", "gzip").await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&zipped.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
    for accepted in ["identity", "deflate", "gzip;q=0"] {
        let reply = ada.get("/api/tasks").header("accept-encoding", accepted).await;
        assert!(!reply.headers.contains_key("content-encoding"), "{accepted}");
    }
}

/// What fits into a packet as it is, and what must not wait in a buffer.
#[sqlx::test]
async fn a_small_answer_and_an_event_stream_are_not_compressed(pool: PgPool) {
    let ada = App::new(&pool).user("ada").await;
    let task = ada.task("small").await;
    let reply = ada.get(&path(&task)).header("accept-encoding", "gzip, br, zstd").await;
    assert!(!reply.headers.contains_key("content-encoding"));
    let mut events = EventStream::open(ada.get("/api/events").header("accept-encoding", "gzip, br, zstd")).await;
    events.expect("hello").await;
}
