//! Waiting for a release to run, with what happens to each pod, and the reasons when it does not.

mod explain;
pub mod objects;
mod pod;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use self::{
    objects::{Pod, Snapshot},
    pod::Trouble,
};
use crate::{
    kubectl::Kubectl,
    progress::{Progress, Task},
};

const POLL: Duration = Duration::from_millis(300);

/// How waiting ended.
#[derive(Debug)]
pub enum Outcome {
    Complete(Snapshot),
    Failed {
        /// What is wrong, in lines for the user.
        reasons: Vec<String>,
        /// Whether pods of the revision before still serve.
        serving: bool,
    },
}

/// Waits until every workload of the release has its pods, until one has failed for good, or until `limit` is over.
pub async fn wait(kubectl: &Kubectl, limit: Duration, progress: &Progress) -> Result<Outcome> {
    let end = Instant::now() + limit;
    let mut lines = Lines { progress: progress.clone(), shown: BTreeMap::new() };
    let mut since = BTreeMap::new();
    let mut failures = 0;
    loop {
        let snapshot = match Snapshot::take(kubectl).await {
            Ok(snapshot) => snapshot,
            // The API server may be busy for a moment.
            Err(_) if failures < 5 && Instant::now() < end => {
                failures += 1;
                tokio::time::sleep(POLL).await;
                continue;
            }
            Err(error) => return Err(error).context("the cluster does not answer"),
        };
        failures = 0;
        lines.show(&snapshot);
        let unfinished = snapshot.unfinished();
        if unfinished.is_empty() {
            return Ok(Outcome::Complete(snapshot));
        }
        let hopeless = hopeless(snapshot.troubles(), &mut since);
        if !hopeless.is_empty() {
            // Other pods that restart probably fail for the same reason, and reach this state later.
            let mut reasons = failing(&snapshot);
            reasons.extend(hopeless);
            let reasons = explained(kubectl, &snapshot, &reasons).await;
            return Ok(Outcome::Failed { reasons, serving: snapshot.is_serving() });
        }
        if Instant::now() > end {
            let mut report = vec![format!("not ready within {} s: {}", limit.as_secs(), unfinished.join("; "))];
            report.extend(explained(kubectl, &snapshot, &waiting(&snapshot)).await);
            return Ok(Outcome::Failed { reasons: report, serving: snapshot.is_serving() });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Pods and workloads, each with what is wrong.
type Reasons = BTreeMap<String, String>;

/// The troubles that last longer than their patience. `since` has the time at which each was first seen.
fn hopeless(troubles: Vec<(String, Trouble)>, since: &mut BTreeMap<(String, String), Instant>) -> Reasons {
    let now = Instant::now();
    let present: BTreeSet<_> = troubles.iter().map(|(name, trouble)| (name.clone(), trouble.what.clone())).collect();
    since.retain(|trouble, _| present.contains(trouble));
    let mut reasons = Reasons::new();
    for (name, trouble) in troubles {
        let first = *since.entry((name.clone(), trouble.what.clone())).or_insert(now);
        if now - first >= trouble.patience {
            reasons.insert(name, trouble.what);
        }
    }
    reasons
}

/// The pods with a container that was restarted.
fn failing(snapshot: &Snapshot) -> Reasons {
    let pods = snapshot.current_pods().into_iter().filter(|pod| !pod.is_ready() && pod.restarts() > 0);
    pods.map(|pod| (pod.metadata.name.clone(), pod.state())).collect()
}

/// The pods that are not ready.
fn waiting(snapshot: &Snapshot) -> Reasons {
    let pods = snapshot.owned_pods().into_iter().filter(|pod| !pod.is_ready());
    let reason = |pod: &Pod| pod.trouble().map_or_else(|| pod.state(), |trouble| trouble.what);
    pods.map(|pod| (pod.metadata.name.clone(), reason(pod))).collect()
}

async fn explained(kubectl: &Kubectl, snapshot: &Snapshot, reasons: &Reasons) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, reason) in reasons {
        lines.push(format!("{name}: {reason}"));
        let details = match snapshot.pods.iter().find(|pod| pod.metadata.name == *name) {
            Some(pod) => explain::pod(kubectl, pod).await,
            None => explain::events(kubectl, name).await,
        };
        lines.extend(details.into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// A line of the progress for each pod.
struct Lines {
    progress: Progress,
    shown: BTreeMap<String, (Task, String)>,
}

impl Lines {
    fn show(&mut self, snapshot: &Snapshot) {
        for pod in snapshot.owned_pods() {
            let (name, state) = (&pod.metadata.name, pod.state());
            // A pod that was there before and does not change is no progress.
            if !self.shown.contains_key(name) && (pod.is_ready() || state == "Terminating") {
                continue;
            }
            let entry = self.shown.entry(name.clone());
            let (task, last) = entry.or_insert_with(|| (self.progress.start("pod"), String::new()));
            if *last != state {
                task.step(&format!("{name}: {state}"));
                *last = state;
            }
        }
        self.shown.retain(|name, _| snapshot.pods.iter().any(|pod| pod.metadata.name == *name));
    }
}
