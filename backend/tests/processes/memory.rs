//! The memory of the process.

use futures_util::{StreamExt, stream};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{Backend, User, migrate, url};

/// Half of the memory limit of a container in the chart.
const MAX_RESIDENT_BYTES: f64 = 128.0 * 1024.0 * 1024.0;

#[sqlx::test(migrations = false)]
async fn hashing_passwords_does_not_accumulate_memory(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[("SIGN_UPS_PER_HOUR", "100")]).await;
    stream::iter(0..100).for_each_concurrent(12, async |_| drop(User::sign_up(&backend.url).await)).await;
    let metrics = reqwest::get(format!("{}/metrics", backend.metrics_url)).await.unwrap().text().await.unwrap();
    let resident = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
    let resident: f64 = resident.parse().unwrap();
    println!("memory: {:.0} MiB after 100 sign-ups", resident / 1024.0 / 1024.0);
    assert!(resident < MAX_RESIDENT_BYTES, "{resident} bytes");
}
