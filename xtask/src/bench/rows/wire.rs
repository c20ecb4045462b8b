use anyhow::Result;

use crate::bench::{
    http::Request,
    measurement::both,
    section::{Section, float, short, thousands},
    stage::{CONNECTIONS, Stage},
};

const TASKS: usize = 1_000;

/// The size of a list on the wire, and what it costs to make it small.
pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    let user = stage.filled(&backend, TASKS).await?.user;
    let columns = ["asked for", "answered", "bytes", "p50, p99 ms", "CPU µs of the app"];
    let mut section = Section::new(&columns);
    for encoding in ["identity", "gzip", "br", "zstd"] {
        let request = Request::get("/api/tasks", &[&user.cookie, &format!("accept-encoding: {encoding}")]);
        let response = backend.send(&request)?;
        let rounds = stage.load_twice(&[&backend], CONNECTIONS, vec![request]).await?;
        section.row([
            encoding.to_owned(),
            response.head.header("content-encoding").unwrap_or("identity").to_owned(),
            thousands(float(response.body.len())),
            both(&rounds, |round| format!("{}, {}", short(round.percentile(50)), short(round.percentile(99)))),
            both(&rounds, |round| thousands(round.app_cpu())),
        ]);
    }
    backend.stop().await;
    Ok(section)
}
