use anyhow::Result;

use crate::bench::{
    http::Request,
    lean,
    pgbench::Pgbench,
    section::Section,
    stage::{CONNECTIONS, DATABASE_CONNECTIONS, Stage},
};

pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    // Each round has a user of its own, so that all begin without tasks, and without old versions of the user's row.
    let pgbench = async || {
        let script = lean::create("tasks", &format!("'{}'", stage.fresh_user(&backend).await?.id));
        stage.pgbench(&Pgbench { script, clients: DATABASE_CONNECTIONS, duration: stage.duration() }).await
    };
    let pgbench = [pgbench().await?, pgbench().await?];
    let body = serde_json::json!({ "title": lean::TITLE }).to_string();
    let round = async || {
        let user = stage.fresh_user(&backend).await?;
        stage.load(&[&backend], CONNECTIONS, &[Request::new("POST", "/api/tasks", &[&user.cookie], &body)]).await
    };
    let rounds = [round().await?, round().await?];
    backend.stop().await;
    let mut section = Section::of_requests();
    section.measured("pgbench, the leanest statement", &pgbench, None);
    section.measured("`POST /api/tasks`", &rounds, Some(&pgbench));
    Ok(section)
}
