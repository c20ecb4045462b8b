//! Open connections and their bounds: how many there are, how long one may wait for a request, and how much of a
//! request's head it holds.

use std::{
    convert::Infallible,
    io::ErrorKind,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
};
use hyper::{
    Request,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{IntCounter, IntGauge, Registry};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::telemetry::metrics::{GaugeGuard, registered};

/// How long a connection may wait for its next request, and for all of that request's head. Longer than nginx keeps an
/// idle connection, which is 60 s: a request that is sent while the server closes the connection would be lost.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(75);
/// Largest head of a request, in bytes. A larger one is answered 431.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Time until the next attempt when the system cannot open another connection.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Bounds of the connections of a listener.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Connections that are open at a time. Before there is one more, those without a request are closed.
    pub max_connections: usize,
    /// How long a new connection may take to send the head of its first request.
    pub first_request_timeout: Duration,
    /// How long data may wait for a client that does not take it.
    pub send_timeout: Duration,
}

/// Metrics of connections. A clone refers to the same numbers.
#[derive(Clone)]
pub struct ConnectionMetrics {
    open: IntGauge,
    shed: IntCounter,
}

impl ConnectionMetrics {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let open = IntGauge::new("http_connections", "Open connections")?;
        let shed = "Connections without a request that were closed, because the maximum was open";
        let shed = IntCounter::new("http_connections_shed_total", shed)?;
        Ok(Self { open: registered(registry, open)?, shed: registered(registry, shed)? })
    }
}

/// Serves HTTP/1.1 until `shutdown` is cancelled. Then it accepts no more connections, and completes when the requests
/// in progress are answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: ConnectionMetrics,
    shutdown: CancellationToken,
) {
    limit_sending(&listener, limits.send_timeout);
    let acceptor =
        Acceptor { listener, slots: Arc::new(Semaphore::new(limits.max_connections)), shed: watch::Sender::new(()) };
    let connections = TaskTracker::new();
    while let Some((stream, peer, slot)) = shutdown.run_until_cancelled(acceptor.accept()).await {
        let connection = Connection {
            peer,
            router: router.clone(),
            first_request_timeout: limits.first_request_timeout,
            metrics: metrics.clone(),
            shed: acceptor.shed.subscribe(),
            shutdown: shutdown.clone(),
            progress: Progress::default(),
        };
        connections.spawn(async move {
            connection.serve(stream).await;
            drop(slot);
        });
    }
    drop(acceptor);
    connections.close();
    connections.wait().await;
}

/// Closes connections whose client takes no data: one that does not read, or that is gone. The sockets of accepted
/// connections inherit it.
#[cfg(target_os = "linux")]
fn limit_sending(listener: &TcpListener, limit: Duration) {
    if let Err(error) = socket2::SockRef::from(listener).set_tcp_user_timeout(Some(limit)) {
        tracing::warn!(%error, "connections of clients that take no data cannot be limited");
    }
}

/// Other systems have no such limit, and are only used to develop.
#[cfg(not(target_os = "linux"))]
fn limit_sending(_: &TcpListener, _: Duration) {}

struct Acceptor {
    listener: TcpListener,
    /// One for each connection that may be open.
    slots: Arc<Semaphore>,
    /// Tells connections that others need their slots.
    shed: watch::Sender<()>,
}

impl Acceptor {
    async fn accept(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let (stream, peer) = loop {
            match self.listener.accept().await {
                Ok(accepted) => break accepted,
                // The client was gone before its connection was accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept a connection");
                    self.shed.send_replace(());
                    sleep(ACCEPT_RETRY_INTERVAL).await;
                }
            }
        };
        if self.slots.available_permits() == 0 {
            self.shed.send_replace(());
        }
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed");
        (stream, peer, slot)
    }
}

/// What a connection is doing. A clone refers to the same connection.
#[derive(Clone, Default)]
struct Progress(Arc<ProgressFlags>);

#[derive(Default)]
struct ProgressFlags {
    had_request: AtomicBool,
    has_request: AtomicBool,
}

impl Progress {
    fn had_request(&self) -> bool {
        self.0.had_request.load(Ordering::Relaxed)
    }

    fn has_request(&self) -> bool {
        self.0.has_request.load(Ordering::Relaxed)
    }

    fn request_started(&self) -> RequestGuard {
        self.0.had_request.store(true, Ordering::Relaxed);
        self.0.has_request.store(true, Ordering::Relaxed);
        RequestGuard(self.clone())
    }
}

/// Held until a request is answered or given up.
struct RequestGuard(Progress);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.0.has_request.store(false, Ordering::Relaxed);
    }
}

/// The body of an answer, with which the request ends.
struct GuardedBody {
    body: Body,
    _request: RequestGuard,
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Connection {
    peer: SocketAddr,
    router: Router,
    first_request_timeout: Duration,
    metrics: ConnectionMetrics,
    shed: watch::Receiver<()>,
    shutdown: CancellationToken,
    progress: Progress,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let Self { peer, router, first_request_timeout, metrics, mut shed, shutdown, progress } = self;
        let _open = GaugeGuard::new(&metrics.open);
        let service = service_fn(|request: Request<Incoming>| {
            let guard = progress.request_started();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.clone().oneshot(request);
            async {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| GuardedBody { body, _request: guard }))
            }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(KEEP_ALIVE_TIMEOUT)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut first_request = pin!(sleep(first_request_timeout));
        let (mut waits_for_first, mut closing) = (true, false);
        loop {
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection failed");
                    }
                    return;
                }
                () = first_request.as_mut(), if waits_for_first => {
                    if !progress.had_request() {
                        return;
                    }
                    waits_for_first = false;
                }
                _ = shed.changed(), if !closing => {
                    if !progress.has_request() {
                        metrics.shed.inc();
                        return;
                    }
                    // It ends with the answer.
                    connection.as_mut().graceful_shutdown();
                    closing = true;
                }
                () = shutdown.cancelled(), if !closing => {
                    connection.as_mut().graceful_shutdown();
                    closing = true;
                }
            }
        }
    }
}
