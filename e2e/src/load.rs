//! Many users at the same time, with a record of the answers that they got.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::user::{Connections, Task, User};

/// Half of them keep their connections and half make one for each request, since a pod that terminates affects each
/// kind in its own way.
const USERS: usize = 8;
/// The pause between two requests, which leaves the cluster some time on a machine with two cores.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a user repeats a request that fails.
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);

/// What a user does when a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Records the failure and goes on with the next request.
    Continue,
    /// Repeats the request with the same idempotency key until it is answered.
    Retry,
}

pub struct Load {
    stop: CancellationToken,
    users: JoinSet<(User, Record)>,
}

#[derive(Debug, Default)]
struct Record {
    failures: Vec<String>,
    /// The title of each task whose creation was confirmed, and whether its completion was confirmed too.
    confirmed: HashMap<String, bool>,
    /// How long each request took.
    durations: Vec<Duration>,
}

impl Load {
    pub async fn start(base: &str, on_failure: OnFailure) -> Result<Self> {
        let stop = CancellationToken::new();
        let mut people = Vec::new();
        for number in 0..USERS {
            let connections = if number % 2 == 0 { Connections::KeepAlive } else { Connections::OnePerRequest };
            people.push(User::with_connections(base, connections).await?);
        }
        let mut users = JoinSet::new();
        for user in people {
            users.spawn(run_user(user, on_failure, stop.clone()));
        }
        Ok(Self { stop, users })
    }

    /// Lets the users finish their current requests.
    pub async fn finish(self) -> Outcome {
        self.stop.cancel();
        Outcome(self.users.join_all().await)
    }
}

async fn run_user(user: User, on_failure: OnFailure, stop: CancellationToken) -> (User, Record) {
    let mut record = Record::default();
    let start = Instant::now();
    for number in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let title = format!("task-{number}");
        let mut attempt = Attempt { record: &mut record, start, on_failure };
        let created = attempt.send(|| user.create(&title, &title)).await;
        let listed = attempt.send(|| user.list()).await;
        let completed = match &created {
            Some(task) => attempt.send(|| user.complete(&task.id)).await.is_some(),
            None => false,
        };
        if let (Some(task), Some(tasks)) = (&created, &listed)
            && !tasks.iter().any(|listed| listed.id == task.id)
        {
            record.failures.push(format!("{} was confirmed and is not in the list after it", task.title));
        }
        if created.is_some() {
            record.confirmed.insert(title, completed);
        }
    }
    (user, record)
}

struct Attempt<'a> {
    record: &'a mut Record,
    start: Instant,
    on_failure: OnFailure,
}

impl Attempt<'_> {
    async fn send<T, F: Future<Output = Result<T>>>(&mut self, request: impl Fn() -> F) -> Option<T> {
        let start_of_request = Instant::now();
        loop {
            let sent = Instant::now();
            let answer = request().await;
            let took = sent.elapsed();
            self.record.durations.push(took);
            sleep(PAUSE).await;
            match answer {
                Ok(answer) => return Some(answer),
                Err(error) => {
                    let at = sent - self.start;
                    self.record.failures.push(format!("after {at:.1?}, within {took:.1?}: {error:#}"));
                }
            }
            if self.on_failure == OnFailure::Continue || start_of_request.elapsed() > RETRY_TIMEOUT {
                return None;
            }
        }
    }
}

/// The records of all users.
pub struct Outcome(Vec<(User, Record)>);

impl Outcome {
    fn sum(&self, count: impl Fn(&Record) -> usize) -> usize {
        self.0.iter().map(|(_, record)| count(record)).sum()
    }

    pub fn requests(&self) -> usize {
        self.sum(|record| record.durations.len())
    }

    pub fn failed(&self) -> usize {
        self.sum(|record| record.failures.len())
    }

    /// The numbers for the report.
    pub fn summary(&self) -> String {
        let (failed, requests, longest) = (self.failed(), self.requests(), self.longest().as_secs_f64());
        format!("{failed} of {requests} requests failed, longest {longest:.2} s")
    }

    pub fn writes(&self) -> usize {
        self.sum(|record| record.confirmed.len())
    }

    pub fn longest(&self) -> Duration {
        self.percentile(100)
    }

    /// The time within which this part of all requests, in percent, was answered.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut durations: Vec<_> = self.0.iter().flat_map(|(_, record)| &record.durations).collect();
        durations.sort_unstable();
        let count = (durations.len() * percent).div_ceil(100);
        durations.get(count.saturating_sub(1)).copied().copied().unwrap_or_default()
    }

    /// Fails unless every request was answered as expected.
    pub fn ensure_no_failure(&self) -> Result<()> {
        let failures: Vec<_> = self.0.iter().flat_map(|(_, record)| &record.failures).take(10).cloned().collect();
        ensure!(
            failures.is_empty(),
            "{} of {} requests failed:\n{}",
            self.failed(),
            self.requests(),
            failures.join("\n")
        );
        ensure!(self.writes() > 0, "the load wrote nothing");
        Ok(())
    }

    /// Fails unless each confirmed write is there, and nothing twice. Returns the number of tasks that were compared.
    pub async fn ensure_nothing_lost(&self, base: &str) -> Result<usize> {
        let mut compared = 0;
        ensure!(self.writes() > 0, "the load wrote nothing");
        for (user, record) in &self.0 {
            let tasks = user.with_base_url(base).tasks().await?;
            compared += tasks.len();
            let mut found: HashMap<&str, &Task> = HashMap::new();
            for task in &tasks {
                if found.insert(&task.title, task).is_some() {
                    bail!("{} is there twice", task.title);
                }
            }
            for (title, completed) in &record.confirmed {
                match found.get(title.as_str()) {
                    None => bail!("{title} was confirmed and is lost"),
                    Some(task) if *completed && !task.completed => {
                        bail!("the completion of {title} was confirmed and is lost")
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(compared)
    }
}
