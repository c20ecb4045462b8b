use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use super::{config::Config, connections::ConnectionMetrics, metrics::Metrics};
use crate::{
    accounts::{self, Accounts},
    chat::{self, Chat},
    db::Database,
    events,
    http::{
        client_address::TrustedProxyHops,
        event_stream::EventStreams,
        request::{Draining, Observer},
    },
    mcp::McpState,
    notifier::Notifier,
    tasks::Imports,
    telemetry::metrics::RequestMetrics,
    tools::Tools,
};

/// Everything of which there is one per process. A clone refers to the same, and is cheap: the router copies it several
/// times for each request.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

pub struct Parts {
    pub config: Arc<Config>,
    pub database: Database,
    pub metrics: Metrics,
    pub observer: Observer,
    pub connections: ConnectionMetrics,
    pub draining: Draining,
    pub notifier: Notifier,
    /// Cancelled when event streams and turns of the chat should end.
    pub shutdown: CancellationToken,
    pub event_streams: EventStreams,
    pub event_feeds: events::Feeds,
    pub accounts: Accounts,
    pub imports: Imports,
    pub tools: Tools,
    pub chat: Chat,
    pub trusted_proxy_hops: TrustedProxyHops,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Lets handlers take the parts as their `State`.
macro_rules! impl_from_ref {
    ($($part:ident: $Part:ty),+ $(,)?) => {
        $(
            impl FromRef<AppState> for $Part {
                fn from_ref(state: &AppState) -> Self {
                    state.$part.clone()
                }
            }
        )+
    };
}

impl_from_ref! {
    config: Arc<Config>,
    database: Database,
    event_streams: EventStreams,
    event_feeds: events::Feeds,
    accounts: Accounts,
    imports: Imports,
    chat: Chat,
    draining: Draining,
    trusted_proxy_hops: TrustedProxyHops,
}

impl AppState {
    pub fn new(config: Config, database: Database) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let (draining, notifier, shutdown) = (Draining::default(), Notifier::default(), CancellationToken::new());
        let observer = Observer { metrics: RequestMetrics::new(&registry)?, draining: draining.clone() };
        let event_streams = EventStreams::new(
            &registry,
            database.clone(),
            notifier.clone(),
            shutdown.clone(),
            config.max_streams(),
            config.max_streams_per_user,
        )?;
        let settings = accounts::Settings {
            password_hash_concurrency: config.password_hash_concurrency,
            sign_ups_per_hour: config.sign_ups_per_hour,
            max_sessions_per_user: config.max_sessions_per_user,
            max_tokens_per_user: config.max_tokens_per_user,
            cookie_secure: config.cookie_secure,
            allowed_origins: config.cors_origins.clone(),
        };
        let accounts = Accounts::new(database.clone(), &config.secret_key, settings)?;
        let tools = Tools::new(&registry, database.clone())?;
        let dependencies = chat::Dependencies {
            database: database.clone(),
            notifier: notifier.clone(),
            rate_limiter: accounts.rate_limiter().clone(),
            streams: event_streams.clone(),
            tools: tools.clone(),
            shutdown: shutdown.clone(),
            shutdown_timeout: config.shutdown_timeout,
        };
        let chat = Chat::new(config.chat.clone(), &registry, dependencies)?;
        let connections = ConnectionMetrics::new(&registry)?;
        Ok(Self(Arc::new(Parts {
            metrics: Metrics::new(registry, database.clone(), &config.revision)?,
            trusted_proxy_hops: TrustedProxyHops(config.trusted_proxy_hops),
            config: Arc::new(config),
            database,
            observer,
            connections,
            draining,
            notifier,
            shutdown,
            event_streams,
            event_feeds: events::Feeds::default(),
            accounts,
            imports: Imports::default(),
            tools,
            chat,
        })))
    }

    pub fn mcp(&self) -> McpState {
        McpState {
            accounts: self.accounts.clone(),
            database: self.database.clone(),
            tools: self.tools.clone(),
            allowed_hosts: self.config.mcp_allowed_hosts.clone(),
        }
    }
}
