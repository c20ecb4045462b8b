use anyhow::Result;
#[derive(clap::Args)]
pub struct Test {}
pub async fn run(_: Test) -> Result<()> {
    Ok(())
}
