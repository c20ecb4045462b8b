use anyhow::Result;

use crate::bench::{
    http::Request,
    lean,
    pgbench::Pgbench,
    section::Section,
    stage::{CONNECTIONS, DATABASE_CONNECTIONS, Stage},
};

const TASKS: usize = 1_000;

pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    let user = stage.filled(&backend, TASKS).await?.user;
    let script = lean::list(&user.id);
    let pgbench = Pgbench { script, clients: DATABASE_CONNECTIONS, duration: stage.duration() };
    let pgbench = stage.pgbench_twice(&pgbench).await?;
    let request = Request::get("/api/tasks", &[&user.cookie]);
    let rounds = stage.load_twice(&[&backend], CONNECTIONS, vec![request]).await?;
    backend.stop().await;
    let mut section = Section::of_requests();
    section.measured("pgbench, the leanest statement", &pgbench, None);
    section.measured("`GET /api/tasks`", &rounds, Some(&pgbench));
    Ok(section)
}
