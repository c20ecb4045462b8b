use anyhow::Result;

use crate::bench::{
    fill::{COMMON_WORD, RARE_WORD},
    http::Request,
    measurement::both,
    section::{Section, short, thousands},
    stage::Stage,
};

const TASKS: usize = 100_000;

/// One connection, so that a latency is that of a request, not of its wait for a core.
const CONNECTIONS: usize = 1;

pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    let user = stage.filled(&backend, TASKS).await?.user;
    let mut section = Section::new(&["text", "found", "p50, p99 ms", "CPU µs: app + PostgreSQL"]);
    for (what, text) in [
        ("a rare word", RARE_WORD),
        ("a common word", COMMON_WORD),
        ("two letters", "mi"),
        ("a word that is nowhere", "submarine"),
    ] {
        let request = Request::get(&format!("/api/tasks?q={text}"), &[&user.cookie]);
        let found = backend.send(&request)?.json()?["counts"]["all"].as_f64().unwrap_or_default();
        let rounds = stage.load_twice(&[&backend], CONNECTIONS, vec![request]).await?;
        section.row([
            format!("{what}, `{text}`"),
            thousands(found),
            both(&rounds, |round| format!("{}, {}", short(round.percentile(50)), short(round.percentile(99)))),
            both(&rounds, |round| format!("{} + {}", thousands(round.app_cpu()), thousands(round.postgres_cpu()))),
        ]);
    }
    backend.stop().await;
    Ok(section)
}
