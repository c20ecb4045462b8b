//! What every handler may use.

use std::{ops::Deref, sync::Arc};

use sqlx::PgPool;

use crate::{
    accounts::{limits::Limits, password::Passwords, token::TokenKey},
    chat::Chat,
    db::Database,
    notifier::Wakes,
    server::config::Config,
    server::health::Draining,
    telemetry::metrics::Metrics,
};

/// Cheap to clone; one per process.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

pub struct Shared {
    pub config: Config,
    pub database: Database,
    pub metrics: Metrics,
    pub tokens: TokenKey,
    pub passwords: Passwords,
    pub limits: Limits,
    pub wakes: Wakes,
    pub draining: Draining,
    pub chat: Chat,
}

impl AppState {
    pub fn new(config: Config, database: Database) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Shared {
            metrics: Metrics::new(database.clone(), &config.revision)?,
            tokens: TokenKey::new(&config.secret_key)?,
            passwords: Passwords::new()?,
            limits: Limits::default(),
            wakes: Wakes::default(),
            draining: Draining::default(),
            chat: Chat::new(&config.chat)?,
            config,
            database,
        })))
    }

    pub fn pool(&self) -> PgPool {
        self.database.pool()
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
