//! Starting and stopping.

use std::{future::IntoFuture, net::SocketAddr};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

use crate::{
    db::Database,
    notifier,
    server::cleanup,
    server::config::Config,
    server::router::router,
    server::state::AppState,
    telemetry::{logging::LogLevel, metrics},
};

/// Serves until SIGTERM or Ctrl-C, then: not ready, but serving, while load balancers take notice; event streams say
/// goodbye; open requests finish, and turns of the chat end as interrupted. All of it ends within the configured times.
pub async fn run(config: Config, log_level: LogLevel) -> anyhow::Result<()> {
    let database = Database::new(&config)?;
    let listener = bind(&config, config.port).await?;
    let metrics_listener = bind(&config, config.metrics_port).await?;
    let state = AppState::new(config, database)?;

    tokio::spawn(state.database.clone().watch());
    tokio::spawn(cleanup::run(state.database.clone()));
    tokio::spawn(notifier::listen(state.clone()));
    let metrics = metrics::router(state.clone(), log_level).into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!(
        address = listener.local_addr()?.to_string(),
        metrics_address = metrics_listener.local_addr()?.to_string(),
        "listening"
    );
    tokio::spawn(axum::serve(metrics_listener, metrics).into_future());

    let service = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = state.wakes.stopping();
    let server = axum::serve(listener, service).with_graceful_shutdown({
        let state = state.clone();
        async move {
            stop_signal().await;
            tracing::info!("stopping");
            state.draining.begin();
            sleep(state.config.shutdown_drain).await;
            state.wakes.stop();
        }
    });
    let server = tokio::spawn(server.into_future());
    stopping.cancelled().await;
    let finished = async {
        let result = server.await;
        state.chat.until_idle().await;
        result
    };
    if let Ok(result) = timeout(state.config.shutdown_timeout, finished).await {
        result?.context("serving failed")?;
    } else {
        tracing::warn!("requests were still open at the end of the shutdown time");
    }
    tracing::info!("stopped");
    Ok(())
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
