//! After a deployment that failed.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{
    helm::{Helm, RELEASE},
    kubectl::Kubectl,
    live::Live,
    rollout::{self, Outcome},
};

#[derive(Debug)]
pub struct WayBack<'a> {
    pub kubectl: &'a Kubectl,
    pub helm: &'a Helm,
    /// The revision to go back to.
    pub good: Option<u32>,
    /// Whether its pods still serve.
    pub serving: bool,
}

impl WayBack<'_> {
    /// Names the way back, or goes it. An error in any case.
    pub async fn after_failure(&self, go: bool, limit: Duration, live: &Live) -> Result<()> {
        let Some(good) = self.good else {
            bail!("the application does not run: mend the cause and deploy again, or remove it by `cargo todo down`")
        };
        let rollback = self.helm.shown(&format!("rollback {RELEASE} {good}"));
        if !go {
            let old = if self.serving { "; the old pods go on serving" } else { "" };
            bail!("the new revision does not run{old}. To go back: {rollback}");
        }
        self.helm.rollback(good).await.with_context(|| format!("cannot go back: {rollback}"))?;
        match rollout::wait(self.kubectl, limit, live).await? {
            Outcome::Complete(_) => bail!("the new revision does not run; revision {good} runs again"),
            Outcome::Failed { reasons, .. } => bail!("revision {good} does not run either:\n{}", reasons.join("\n")),
        }
    }
}
