//! Waiting for a release to run, with what happens to each pod, and the reasons when it does not.

mod explain;
pub mod pod;
mod snapshot;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use self::pod::Problem;
pub use self::snapshot::Snapshot;
use crate::{
    kubernetes::KubeClient,
    progress::{Progress, Task},
};

const POLL: Duration = Duration::from_millis(300);
/// How many times in a row the cluster's state may fail to be read: the API server may be busy for a moment.
const MAX_FAILED_READS: u32 = 5;

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
pub async fn wait(kube: &KubeClient, limit: Duration, progress: &Progress) -> Result<Outcome> {
    let end = Instant::now() + limit;
    let mut lines = Lines { progress: progress.clone(), shown: BTreeMap::new() };
    let mut first_seen = BTreeMap::new();
    let mut failed_reads = 0;
    loop {
        let snapshot = match Snapshot::take(kube).await {
            Ok(snapshot) => snapshot,
            Err(_) if failed_reads < MAX_FAILED_READS && Instant::now() < end => {
                failed_reads += 1;
                tokio::time::sleep(POLL).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        failed_reads = 0;
        lines.show(&snapshot);
        let unfinished = snapshot.unfinished();
        if unfinished.is_empty() {
            return Ok(Outcome::Complete(snapshot));
        }
        let failures = lasting(snapshot.problems(), &mut first_seen);
        if !failures.is_empty() {
            // Other pods that restart probably fail for the same reason, and reach this state later.
            let mut reasons = restarting(&snapshot);
            reasons.extend(failures);
            let reasons = explained(kube, &snapshot, &reasons).await;
            return Ok(Outcome::Failed { reasons, serving: snapshot.is_serving() });
        }
        if Instant::now() > end {
            let mut reasons = vec![format!("not ready within {} s: {}", limit.as_secs(), unfinished.join("; "))];
            reasons.extend(explained(kube, &snapshot, &waiting(&snapshot)).await);
            return Ok(Outcome::Failed { reasons, serving: snapshot.is_serving() });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Pods and workloads by name, each with what is wrong.
type Reasons = BTreeMap<String, String>;

/// The problems that last longer than their grace period. `first_seen` remembers when each of them began.
fn lasting(problems: Vec<(String, Problem)>, first_seen: &mut BTreeMap<(String, String), Instant>) -> Reasons {
    let now = Instant::now();
    let key = |name: &String, problem: &Problem| (name.clone(), problem.description.clone());
    let present: BTreeSet<_> = problems.iter().map(|(name, problem)| key(name, problem)).collect();
    first_seen.retain(|problem, _| present.contains(problem));
    let mut reasons = Reasons::new();
    for (name, problem) in problems {
        let began = *first_seen.entry(key(&name, &problem)).or_insert(now);
        if now - began >= problem.grace_period {
            reasons.insert(name, problem.description);
        }
    }
    reasons
}

/// The pods with a container that was restarted.
fn restarting(snapshot: &Snapshot) -> Reasons {
    let pods = snapshot.current_pods().into_iter().filter(|it| !pod::is_ready(it) && pod::restarts(it) > 0);
    pods.map(|it| (it.name_any(), pod::state(it))).collect()
}

/// The pods that are not ready.
fn waiting(snapshot: &Snapshot) -> Reasons {
    let pods = snapshot.owned_pods().into_iter().filter(|it| !pod::is_ready(it));
    let reason = |it: &Pod| pod::problem(it).map_or_else(|| pod::state(it), |problem| problem.description);
    pods.map(|it| (it.name_any(), reason(it))).collect()
}

async fn explained(kube: &KubeClient, snapshot: &Snapshot, reasons: &Reasons) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, reason) in reasons {
        lines.push(format!("{name}: {reason}"));
        let details = match snapshot.pods.iter().find(|it| it.name_any() == *name) {
            Some(pod) => explain::pod(kube, pod).await,
            None => explain::events(kube, name).await,
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
            let (name, state) = (pod.name_any(), pod::state(pod));
            // A pod that was there before and does not change is no progress.
            if !self.shown.contains_key(&name) && (pod::is_ready(pod) || pod::is_terminating(pod)) {
                continue;
            }
            let entry = self.shown.entry(name.clone());
            let (task, last) = entry.or_insert_with(|| (self.progress.start("pod"), String::new()));
            if *last != state {
                task.step(&format!("{name}: {state}"));
                *last = state;
            }
        }
        self.shown.retain(|name, _| snapshot.pods.iter().any(|pod| pod.name_any() == *name));
    }
}
