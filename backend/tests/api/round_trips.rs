//! How often a request asks the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use sqlx::{ConnectOptions, PgPool};
use todo_backend::db::Database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep, timeout},
};

use crate::support::{App, Call, path};

/// Code of the request that begins a session of PostgreSQL, after which messages have a type.
const STARTUP: u32 = 3 << 16;
/// Much longer than a connection takes to come back to its pool.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A proxy in front of the database that counts the messages to which a client waits for an answer: the end of an
/// extended query, or a simple query.
#[derive(Clone, Default)]
struct RoundTrips(Arc<AtomicU64>);

impl RoundTrips {
    /// Listens on a free port, and gives it.
    async fn count(&self, database: (String, u16)) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(database.clone()).await.unwrap();
                let (mut server_read, server_write) = server.into_split();
                let (client_read, mut client_write) = client.into_split();
                tokio::spawn(async move { copy(&mut server_read, &mut client_write).await });
                let count = count.clone();
                tokio::spawn(async move { count.forward(client_read, server_write).await });
            }
        });
        port
    }

    async fn forward(&self, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) -> std::io::Result<()> {
        let mut has_started = false;
        loop {
            let kind = if has_started { Some(client.read_u8().await?) } else { None };
            let length = client.read_u32().await?;
            let mut body = vec![0; length as usize - 4];
            client.read_exact(&mut body).await?;
            if matches!(kind, Some(b'S' | b'Q')) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
            has_started = has_started || body.starts_with(&STARTUP.to_be_bytes());
            let message: Vec<u8> = kind.into_iter().chain(length.to_be_bytes()).chain(body).collect();
            server.write_all(&message).await?;
        }
    }

    /// The round trips of one request, with those that return its connection to the pool.
    async fn of(&self, pool: &PgPool, call: Call, status: u16) -> u64 {
        until_idle(pool).await;
        let before = self.0.load(Ordering::Relaxed);
        call.await.ok(status);
        until_idle(pool).await;
        self.0.load(Ordering::Relaxed) - before
    }
}

async fn until_idle(pool: &PgPool) {
    let is_idle = async {
        while pool.num_idle() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(TIMEOUT, is_idle).await.expect("the connection comes back");
}

/// Each statement is a round trip, and so is the proof of a connection that comes back to the pool that it is ready, which is the library's own.
#[sqlx::test]
async fn a_request_asks_as_little_as_it_needs(pool: PgPool) {
    const RETURN: u64 = 1;
    let round_trips = RoundTrips::default();
    let options = pool.connect_options();
    let port = round_trips.count((options.get_host().to_owned(), options.get_port())).await;
    let url = options.as_ref().clone().host("127.0.0.1").port(port).to_url_lossy().to_string();
    let database = Database::new(&url.into(), 1, TIMEOUT, &[]).unwrap();
    database.probe().await;
    let one = database.pool();
    let app = App::with_database(database, &[]);
    let ada = app.user("ada").await;
    let task = ada.task("first").await;
    // The identity of a credential that is not remembered is a statement of its own.
    let identity = 1 + RETURN;
    let create = |title: &str| ada.post("/api/tasks").json(&json!({ "title": title }));
    let keyed = |title: &str| create(title).header("idempotency-key", title);
    // (to prepare, request, status, round trips)
    let requests = [
        (ada.get("/api/tasks"), ada.get("/api/tasks"), 200, 1),
        (ada.get("/api/tasks?q=first"), ada.get("/api/tasks?q=first"), 200, 1),
        (ada.get(&path(&task)), ada.get(&path(&task)), 200, 1),
        // A write cannot be repeated, so that its connection has to prove before that it is ready.
        (create("second"), create("third"), 201, 1 + 1),
        // Begin, claim, insert, store the answer, commit.
        (keyed("fourth"), keyed("fifth"), 201, 1 + 5),
    ];
    for (index, (prepare, call, status, needed)) in requests.into_iter().enumerate() {
        // The first time, statements are prepared, and PostgreSQL is asked for their types.
        prepare.await.ok(status);
        let asked = round_trips.of(&one, call, status).await;
        assert_eq!(asked, identity + needed + RETURN, "request {index}");
    }
}
