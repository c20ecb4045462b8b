//! After a deployment that failed: a hint, or a rollback to the last revision that ran.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{
    helm::{Helm, RELEASE},
    kubernetes::KubeClient,
    progress::Progress,
    rollout::{self, Outcome},
};

pub struct Rollback<'a> {
    pub kube: &'a KubeClient,
    pub helm: &'a Helm,
    /// The revision to go back to; `None` after the first deployment.
    pub revision: Option<u32>,
    /// Whether its pods still serve.
    pub serving: bool,
}

impl Rollback<'_> {
    /// Rolls back if `enabled` is set, else the error names the command that does. It returns an error in both cases,
    /// since the deployment failed.
    pub async fn after_failure(&self, enabled: bool, limit: Duration, progress: &Progress) -> Result<()> {
        let Some(revision) = self.revision else {
            bail!("the application does not run: correct the cause and deploy again, or remove it by `cargo todo down`")
        };
        let rollback = self.helm.command_line(&format!("rollback {RELEASE} {revision}"));
        if !enabled {
            let old = if self.serving { "; the old pods go on serving" } else { "" };
            bail!("the new revision does not run{old}. To go back: {rollback}");
        }
        self.helm.rollback(revision).await.with_context(|| format!("cannot go back: {rollback}"))?;
        match rollout::wait(self.kube, limit, progress).await? {
            Outcome::Complete(_) => bail!("the new revision does not run; revision {revision} runs again"),
            Outcome::Failed { reasons, .. } => {
                bail!("revision {revision} does not run either:\n{}", reasons.join("\n"))
            }
        }
    }
}
