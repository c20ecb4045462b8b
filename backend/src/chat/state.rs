use std::{sync::Arc, time::Duration};

use prometheus::Registry;
use sqlx::PgPool;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    config::{ChatConfig, Limits},
    error::Error,
    metrics::ChatMetrics,
    model::Model,
};
use crate::{
    accounts::RateLimiter,
    db::Database,
    http::{
        event_stream::EventStreams,
        slots::{Slot, Slots},
    },
    notifier::Notifier,
    tools::Tools,
};

/// What the chat uses of the rest of the service.
pub struct Dependencies {
    pub database: Database,
    pub notifier: Notifier,
    pub rate_limiter: RateLimiter,
    pub streams: EventStreams,
    pub tools: Tools,
    /// Cancelled when turns and streams should end.
    pub shutdown: CancellationToken,
    /// How long they may take to do so.
    pub shutdown_timeout: Duration,
}

/// The chat of this process. A clone refers to the same.
#[derive(Clone)]
pub struct Chat(Arc<Shared>);

struct Shared {
    config: ChatConfig,
    model: Option<Model>,
    metrics: ChatMetrics,
    /// The turns that run in this process.
    turns: TaskTracker,
    slots: Slots,
    dependencies: Dependencies,
}

impl Chat {
    pub fn new(config: ChatConfig, registry: &Registry, dependencies: Dependencies) -> anyhow::Result<Self> {
        let model = config.is_complete().then(|| Model::new(&config)).transpose()?;
        let metrics = ChatMetrics::new(registry)?;
        let slots = Slots::new("turns of the chat", config.max_turns, config.max_turns_per_user);
        Ok(Self(Arc::new(Shared { config, model, metrics, turns: TaskTracker::new(), slots, dependencies })))
    }

    /// Completes when no turn runs in this process. Turns end by themselves once the shutdown has been announced.
    pub async fn wait_until_idle(&self) {
        self.0.turns.close();
        self.0.turns.wait().await;
    }

    pub(super) fn model(&self) -> Result<&Model, Error> {
        self.0.model.as_ref().ok_or(Error::NotConfigured)
    }

    pub(super) fn config(&self) -> &ChatConfig {
        &self.0.config
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    pub(super) fn metrics(&self) -> &ChatMetrics {
        &self.0.metrics
    }

    pub(super) fn pool(&self) -> PgPool {
        self.0.dependencies.database.pool()
    }

    pub(super) fn dependencies(&self) -> &Dependencies {
        &self.0.dependencies
    }

    /// Takes a slot for a turn of a user.
    pub(super) fn slot(&self, user_id: Uuid) -> Result<Slot, Error> {
        Ok(self.0.slots.take(user_id)?)
    }

    /// Runs a turn that goes on when the request which started it has ended. It has its slot for as long.
    pub(super) fn spawn(&self, slot: Slot, turn: impl Future<Output = ()> + Send + 'static) {
        self.0.turns.spawn(async move {
            turn.await;
            drop(slot);
        });
    }
}
