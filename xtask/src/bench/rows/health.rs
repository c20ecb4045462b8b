use anyhow::Result;

use crate::bench::{
    http::Request,
    section::Section,
    stage::{CONNECTIONS, Stage},
};

pub async fn run(stage: &Stage) -> Result<Section> {
    let backend = stage.backend().await?;
    let rounds = stage.load_twice(&[&backend], CONNECTIONS, vec![Request::get("/health", &[])]).await?;
    backend.stop().await;
    let mut section = Section::of_requests();
    section.measured("`GET /health`", &rounds, None);
    Ok(section)
}
