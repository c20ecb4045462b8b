use anyhow::Result;
#[derive(clap::Args)]
pub struct Prepare {}
pub async fn run(_: Prepare) -> Result<()> {
    Ok(())
}
