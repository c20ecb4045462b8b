use anyhow::Result;

use crate::bench::{
    http::Request,
    measurement::{Measurement, mean},
    section::{Section, thousands},
    stage::{CONNECTIONS, Stage},
};

const TASKS: usize = 1_000;

/// The same list directly, and through the server of the frontend, which is the way of every browser.
pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    let frontend = stage.frontend(&backend).await?;
    let user = stage.filled(&backend, TASKS).await?.user;
    let requests = vec![Request::get("/api/tasks", &[&user.cookie])];
    let direct = stage.load_twice(&[&backend], CONNECTIONS, requests.clone()).await?;
    let forwarded = stage.load_twice(&[&frontend, &backend], CONNECTIONS, requests).await?;
    frontend.stop().await;
    backend.stop().await;
    let mut section = Section::of_requests();
    section.measured("directly", &direct, None);
    section.measured("through the frontend", &forwarded, None);
    let of = |service: usize, rounds| {
        mean(rounds, |round: &Measurement| round.app.get(service).map_or(0.0, |&cpu| round.per_request(cpu)))
    };
    section.remarks.push(format!(
        "The way through the frontend adds {} µs of CPU in the frontend and {} µs in the backend to a request.",
        thousands(of(0, &forwarded)),
        thousands(of(1, &forwarded) - of(0, &direct)),
    ));
    Ok(section)
}
