//! Starting and stopping.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    cleanup,
    config::Config,
    connections::{self, Limits},
    metrics::{self, MetricsState},
    router::router,
    state::AppState,
};
use crate::{db::Database, notifier, telemetry::logging::Log};

/// Connections of the listener for operators that are open at a time.
const MAX_METRICS_CONNECTIONS: usize = 32;

/// Serves until SIGTERM or Ctrl-C. Then the service is not ready, but goes on serving until load balancers have taken
/// notice. Then event streams end, open requests finish, and turns of the chat end as interrupted. All of it takes no
/// longer than the configured times.
pub async fn run(config: Config, log: &Log) -> anyhow::Result<()> {
    let (name, value) = notifier::CONNECTION_SETTING;
    let settings = [&config.task_quota.connection_settings()[..], &[(name, value.to_owned())]].concat();
    let database =
        Database::new(&config.database_url, config.database_max_connections, config.request_timeout, &settings)?;
    let listener = bind(&config, config.port).await?;
    let metrics_listener = bind(&config, config.metrics_port).await?;
    let state = AppState::new(config, database)?;

    // The first answer on `/ready` already says what the database says.
    state.database.probe().await;
    tokio::spawn(state.database.clone().monitor());
    tokio::spawn(cleanup::run(state.database.clone()));
    tokio::spawn(state.accounts.clone().cache_credentials());
    tokio::spawn(state.notifier.clone().listen(state.database.clone()));
    let limits = Limits {
        max_connections: state.config.http_max_connections,
        first_request_timeout: state.config.request_timeout,
        send_timeout: state.config.request_timeout * 3,
    };
    tracing::info!(
        address = listener.local_addr()?.to_string(),
        metrics_address = metrics_listener.local_addr()?.to_string(),
        "listening"
    );
    state.metrics.add(log.dropped_lines())?;
    let metrics =
        MetricsState { metrics: state.metrics.clone(), draining: state.draining.clone(), log_level: log.level.clone() };
    tokio::spawn(connections::serve(
        metrics_listener,
        metrics::router(metrics),
        Limits { max_connections: MAX_METRICS_CONNECTIONS, ..limits },
        state.connections.clone(),
        CancellationToken::new(),
    ));
    let server =
        connections::serve(listener, router(state.clone()), limits, state.connections.clone(), state.shutdown.clone());
    let server = tokio::spawn(server);
    tokio::spawn(shut_down_on_signal(state.clone()));
    state.shutdown.cancelled().await;
    let finished = async {
        let result = server.await;
        state.chat.wait_until_idle().await;
        state.notifier.flush(&state.database).await;
        result
    };
    if let Ok(result) = timeout(state.config.shutdown_timeout, finished).await {
        result.context("serving failed")?;
    } else {
        tracing::warn!("requests were still open at the end of the shutdown time");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Goes on serving after the signal until load balancers have taken notice.
async fn shut_down_on_signal(state: AppState) {
    stop_signal().await;
    tracing::info!("stopping");
    state.draining.begin();
    sleep(state.config.shutdown_drain).await;
    state.shutdown.cancel();
}

async fn bind(config: &Config, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((config.host, port));
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}; set PORT or METRICS_PORT"))
}

async fn stop_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler can be installed");
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result.expect("a signal handler can be installed"),
    }
}
