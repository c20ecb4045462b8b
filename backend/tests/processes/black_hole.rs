//! A network that drops all packets to the database, so that connections neither fail nor answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::StatusCode;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    outage::{assert_none_lost, assert_orderly, assert_unavailable, wait_until_served},
    support::{Backend, TIMEOUT, User, migrate, url, wait_until},
};

#[sqlx::test(migrations = false)]
async fn an_unresponsive_database_gets_503_and_its_connections_are_discarded(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    migrate(&url(&options)).await;
    let proxy = Proxy::start(&options).await;
    let proxy_url = url(&options.clone().host("127.0.0.1").port(proxy.port));
    // There are more writers than connections, so every connection of the pool is in use when the proxy blocks.
    let backend = Backend::start_ready(&proxy_url, &[("DATABASE_MAX_CONNECTIONS", "4")]).await;
    let user = User::sign_up(&backend.url).await;
    let mut events = user.events(&backend.url).await;
    let load = user.load(&backend.url, 16);

    // There are two outages, since the effects of one must not add up.
    for _ in 0..2 {
        // On a busy disk, the service may refuse a request of this many writers.
        let create = async || user.try_create(&backend.url, "before the outage").await.ok();
        let task = wait_until("a task is created under load", create).await;
        events.wait_for_tasks(vec![task]).await;
        proxy.block();
        let reason = backend.wait_until_unready().await;
        assert_eq!(reason, "the database does not answer in time");
        assert_unavailable(&backend, &user).await;
        proxy.unblock();
        backend.wait_until_ready().await;
        wait_until_served(&backend, &user).await;
    }

    let answers = load.finish().await;
    assert_orderly("database unreachable", &answers);
    assert_none_lost(&backend, &user, &answers).await;
    // The next task reaches the stream that was open during both outages.
    let task = user.create(&backend.url, "after the outages").await;
    events.wait_for_tasks(vec![task]).await;
}

#[sqlx::test(migrations = false)]
async fn an_outage_is_logged_once_although_its_cause_changes(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let proxy = Proxy::start(&options).await;
    let port = proxy.port;
    let backend = Backend::start_ready(&url(&options.clone().host("127.0.0.1").port(port)), &[]).await;

    proxy.block();
    assert_eq!(backend.wait_until_unready().await, "the database does not answer in time");
    drop(proxy);
    let refused = wait_until("the database refuses", async || {
        let reason = backend.wait_until_unready().await;
        (reason == "the database cannot be reached").then_some(())
    });
    assert!(timeout(TIMEOUT, refused).await.is_ok(), "{}", backend.log());
    let outages = backend.log().matches("database away").count();
    assert_eq!(outages, 1, "{}", backend.log());
}

/// The connections of the pool are cut off without a sign, and so is that of the probes, but the database accepts new
/// ones at once.
#[sqlx::test(migrations = false)]
async fn one_lost_probe_is_no_outage(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let proxy = Proxy::start(&options).await;
    let proxy_url = url(&options.clone().host("127.0.0.1").port(proxy.port));
    let backend = Backend::start_ready(&proxy_url, &[("DATABASE_MAX_CONNECTIONS", "4")]).await;
    let user = User::sign_up(&backend.url).await;
    join_all((0..8).map(async |_| user.create(&backend.url, "before").await)).await;

    proxy.block();
    proxy.unblock();
    let unblocked = Instant::now();
    // Longer than the time limits of two probes.
    while unblocked.elapsed() < Duration::from_secs(5) {
        assert_eq!(backend.get("/ready").await.status(), StatusCode::OK, "{}", backend.log());
        let (created, ()) = tokio::join!(user.try_create(&backend.url, "after"), sleep(Duration::from_millis(50)));
        created.unwrap_or_else(|problem| panic!("{problem}\n{}", backend.log()));
    }
    assert!(!backend.log().contains("database away"), "{}", backend.log());
}

/// sqlx pings a connection that returns to the pool without a time limit.
#[sqlx::test(migrations = false)]
async fn connections_that_are_cut_while_they_return_are_replaced(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let proxy = Proxy::start(&options).await;
    let proxy_url = url(&options.clone().host("127.0.0.1").port(proxy.port));
    let backend = Backend::start_ready(&proxy_url, &[("DATABASE_MAX_CONNECTIONS", "4")]).await;
    let user = User::sign_up(&backend.url).await;

    proxy.swallow_first_ping.store(true, Ordering::Relaxed);
    while user.try_create(&backend.url, "a connection returns").await.is_ok() {}
    proxy.swallow_first_ping.store(false, Ordering::Relaxed);
    // Only that of the probes is left to cut.
    proxy.block();
    proxy.unblock();
    wait_until_served(&backend, &user).await;
}

#[sqlx::test(migrations = false)]
async fn readers_of_readiness_do_not_wait_for_the_database(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let proxy = Proxy::start(&options).await;
    let backend = Backend::start_ready(&url(&options.clone().host("127.0.0.1").port(proxy.port)), &[]).await;

    proxy.block();
    let blocked = Instant::now();
    let readers = join_all((0..50).map(async |_| {
        let started = Instant::now();
        backend.get("/ready").await;
        started.elapsed()
    }));
    let slowest = readers.await.into_iter().max().unwrap();
    assert!(slowest < Duration::from_millis(500), "an answer took {slowest:?}");
    backend.wait_until_unready().await;
    println!("black hole: noticed after {:?}", blocked.elapsed());
}

/// A TCP proxy to the database that can block. Connections that are open when it blocks stay open without data for
/// ever, as if a machine had lost power or a firewall had dropped their state. New connections wait until it unblocks.
struct Proxy {
    port: u16,
    /// How often the proxy has blocked and unblocked: it blocks while the number is odd.
    changes: watch::Sender<u32>,
    /// Whether a connection is cut off at the first ping after a statement.
    swallow_first_ping: Arc<AtomicBool>,
    _forwarder: JoinSet<()>,
}

impl Proxy {
    async fn start(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new((options.get_host().to_owned(), options.get_port()));
        let changes = watch::Sender::new(0);
        let swallow_first_ping = Arc::new(AtomicBool::new(false));
        let mut forwarder = JoinSet::new();
        forwarder.spawn({
            let (changes, swallow) = (changes.clone(), Arc::clone(&swallow_first_ping));
            async move {
                let mut connections = JoinSet::new();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let connection = forward(client, Arc::clone(&target), changes.subscribe(), Arc::clone(&swallow));
                    connections.spawn(connection);
                }
            }
        });
        Self { port, changes, swallow_first_ping, _forwarder: forwarder }
    }

    fn block(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn unblock(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

async fn forward(
    client: TcpStream,
    target: Arc<(String, u16)>,
    mut changes: watch::Receiver<u32>,
    swallow_first_ping: Arc<AtomicBool>,
) {
    let start = *changes.borrow_and_update();
    if start % 2 == 1 {
        std::future::pending::<()>().await;
    }
    let server = TcpStream::connect((target.0.as_str(), target.1)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        () = forward_requests(&mut from_client, &mut to_server, &swallow_first_ping) => {}
        _ = copy(&mut from_server, &mut to_client) => {}
        _ = changes.changed() => std::future::pending().await,
    }
}

/// The bytes of a ping: PostgreSQL's message `Sync`.
const PING: &[u8] = b"S\0\0\0\x04";

async fn forward_requests(client: &mut OwnedReadHalf, server: &mut OwnedWriteHalf, swallow_first_ping: &AtomicBool) {
    let mut buffer = [0; 8192];
    let mut last_was_ping = false;
    while let Ok(size @ 1..) = client.read(&mut buffer).await {
        let is_ping = buffer[..size] == *PING;
        if is_ping && !last_was_ping && swallow_first_ping.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        last_was_ping = is_ping;
        if server.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
