//! The network swallows what goes to the database: no refusal, no reset, only silence.

use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use crate::{
    outage::{assert_kept, assert_orderly, assert_unavailable, until_served},
    support::{Backend, LIMIT, User, migrate, until, url},
};

#[sqlx::test(migrations = false)]
async fn silence_means_503_and_dead_connections_are_not_used_again(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let wire = Wire::to(&options).await;
    let through_wire = url(&options.clone().host("127.0.0.1").port(wire.port));
    // More writers than connections, so that every connection of the pool is in use when silence falls.
    let backend = Backend::ready(&through_wire, &[("DATABASE_MAX_CONNECTIONS", "4")]).await;
    let user = User::sign_up(&backend.url).await;
    let mut events = user.events(&backend.url).await;
    let load = user.load(&backend.url, 16);

    // Twice: what one outage leaves behind must not add up.
    for _ in 0..2 {
        // Sixteen writers on four connections: a busy disk may make this one too many.
        let made = async || user.try_create(&backend.url, "before the silence").await.ok();
        let task = until("a task is made under load", made).await;
        events.until_told(vec![task]).await;
        wire.cut();
        let reason = backend.until_unready().await;
        assert_eq!(reason, "the database does not answer in time");
        assert_unavailable(&backend, &user).await;
        wire.mend();
        backend.until_ready().await;
        until_served(&backend, &user).await;
    }

    let answers = load.finish().await;
    assert_orderly("database unreachable", &answers);
    assert_kept(&backend, &user, &answers).await;
    // As many at once as there are connections: none is still lost to the silence.
    let task = user.create(&backend.url, "after the silence").await;
    events.until_told(vec![task]).await;
}

#[sqlx::test(migrations = false)]
async fn an_outage_of_changing_kind_is_one_outage(_: PgPoolOptions, options: PgConnectOptions) {
    migrate(&url(&options)).await;
    let wire = Wire::to(&options).await;
    let port = wire.port;
    let backend = Backend::ready(&url(&options.clone().host("127.0.0.1").port(port)), &[]).await;

    wire.cut();
    assert_eq!(backend.until_unready().await, "the database does not answer in time");
    drop(wire);
    let refused = until("the database refuses", async || {
        let reason = backend.until_unready().await;
        (reason == "the database cannot be reached").then_some(())
    });
    assert!(timeout(LIMIT, refused).await.is_ok(), "{}", backend.log());
    let away = backend.log().matches("database away").count();
    assert_eq!(away, 1, "{}", backend.log());
}

/// A forwarder to the database. Connections that were open when it was cut stay open and silent for ever, as when a
/// machine loses power or a firewall forgets them; new ones wait in silence until it is mended.
struct Wire {
    port: u16,
    /// Counts cuts: even while whole, odd while cut.
    state: watch::Sender<u32>,
    _forwarder: JoinSet<()>,
}

impl Wire {
    async fn to(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new((options.get_host().to_owned(), options.get_port()));
        let state = watch::Sender::new(0);
        let mut forwarder = JoinSet::new();
        forwarder.spawn({
            let state = state.clone();
            async move {
                let mut connections = JoinSet::new();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    connections.spawn(forward(client, Arc::clone(&target), state.subscribe()));
                }
            }
        });
        Self { port, state, _forwarder: forwarder }
    }

    fn cut(&self) {
        self.state.send_modify(|state| *state += 1);
    }

    fn mend(&self) {
        self.cut();
    }
}

async fn forward(mut client: TcpStream, target: Arc<(String, u16)>, mut state: watch::Receiver<u32>) {
    let start = *state.borrow_and_update();
    if start % 2 == 1 {
        std::future::pending::<()>().await;
    }
    let mut server = TcpStream::connect((target.0.as_str(), target.1)).await.unwrap();
    tokio::select! {
        // Whichever end closes the connection closes it.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = state.changed() => std::future::pending().await,
    }
}
