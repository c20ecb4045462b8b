//! What PostgreSQL counts about itself, under the names of `postgres_exporter`, so that its dashboards fit.

use std::time::{Duration, Instant};

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, proto::MetricFamily};
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::db::Database;

/// How long the query may take, so that a scrape is answered whatever the database does.
const QUERY_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an answer is used again, so that frequent scrapes are no load.
const MAX_AGE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Statistics(Mutex<Option<(Instant, Row)>>);

#[derive(Clone, Debug)]
struct Row {
    database: String,
    connections: i64,
    max_connections: i64,
    started: i64,
    size: i64,
    committed: i64,
    rolled_back: i64,
    read: i64,
    hit: i64,
    returned: i64,
    changed: i64,
    deadlocks: i64,
}

impl Statistics {
    /// Empty while the database is unavailable, because an old number would pass for a current one.
    pub async fn gather(&self, database: &Database) -> prometheus::Result<Vec<MetricFamily>> {
        let mut last = self.0.lock().await;
        if !database.is_available() || last.as_ref().is_none_or(|(at, _)| at.elapsed() > MAX_AGE) {
            *last = database.query_on_probe(QUERY_TIMEOUT, query).await.map(|row| (Instant::now(), row));
        }
        last.as_ref().map_or_else(|| Ok(Vec::new()), |(_, row)| row.families())
    }
}

async fn query(connection: &mut PgConnection) -> sqlx::Result<Row> {
    sqlx::query_as!(
        Row,
        r#"select datname::text as "database!",
                  numbackends::bigint as "connections!",
                  current_setting('max_connections')::bigint as "max_connections!",
                  extract(epoch from pg_postmaster_start_time())::bigint as "started!",
                  pg_database_size(datid) as "size!",
                  xact_commit as "committed!",
                  xact_rollback as "rolled_back!",
                  blks_read as "read!",
                  blks_hit as "hit!",
                  tup_returned as "returned!",
                  tup_inserted + tup_updated + tup_deleted as "changed!",
                  deadlocks as "deadlocks!"
           from pg_stat_database
           where datname = current_database()"#
    )
    .fetch_one(connection)
    .await
}

impl Row {
    fn families(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let registry = Registry::new();
        for (name, help, value) in [
            ("pg_stat_database_numbackends", "Connections to the database, of every client", self.connections),
            ("pg_settings_max_connections", "Connections that the server allows", self.max_connections),
            ("pg_postmaster_start_time_seconds", "When the server was started", self.started),
            ("pg_database_size_bytes", "Size of the database on disk", self.size),
        ] {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["datname"])?;
            gauge.with_label_values(&[&self.database]).set(value);
            registry.register(Box::new(gauge))?;
        }
        for (name, help, value) in [
            ("pg_stat_database_xact_commit", "Transactions committed", self.committed),
            ("pg_stat_database_xact_rollback", "Transactions rolled back", self.rolled_back),
            ("pg_stat_database_blks_read", "Blocks read from disk", self.read),
            ("pg_stat_database_blks_hit", "Blocks found in the server's memory", self.hit),
            ("pg_stat_database_tup_returned", "Rows read by queries", self.returned),
            ("pg_stat_database_tup_changed", "Rows inserted, updated or deleted", self.changed),
            ("pg_stat_database_deadlocks", "Deadlocks that were broken up", self.deadlocks),
        ] {
            let counter = IntCounterVec::new(Opts::new(name, help), &["datname"])?;
            counter.with_label_values(&[&self.database]).inc_by(value.try_into().unwrap_or(0));
            registry.register(Box::new(counter))?;
        }
        Ok(registry.gather())
    }
}
