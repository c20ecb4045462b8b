//! Many users at the same time, who remember the answers that they got.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::user::{Connections, Task, User};

/// Half of them keep their connections, half make one for each request: both meet a pod that ends, in different ways.
const USERS: usize = 8;
/// A person's pause would be longer; the load has to leave room on two cores.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a user tries a request again.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a user does when a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Notes it and goes on with the next.
    GoesOn,
    /// Tries again until there is an answer, with the same idempotency key.
    TriesAgain,
}

pub struct Load {
    stop: CancellationToken,
    users: JoinSet<(User, Record)>,
}

#[derive(Debug, Default)]
struct Record {
    requests: usize,
    failures: Vec<String>,
    /// Title of each task whose making was answered, and whether its completion was answered too.
    answered: HashMap<String, bool>,
    longest: Duration,
}

impl Load {
    pub async fn start(base: &str, failing: Failing) -> Result<Self> {
        let stop = CancellationToken::new();
        let mut people = Vec::new();
        for number in 0..USERS {
            let connections = if number % 2 == 0 { Connections::Kept } else { Connections::OneARequest };
            people.push(User::with_connections(base, connections).await?);
        }
        let mut users = JoinSet::new();
        for user in people {
            users.spawn(use_it(user, failing, stop.clone()));
        }
        Ok(Self { stop, users })
    }

    /// Lets the users finish what they are at.
    pub async fn finish(self) -> Outcome {
        self.stop.cancel();
        Outcome(self.users.join_all().await)
    }
}

async fn use_it(user: User, failing: Failing, stop: CancellationToken) -> (User, Record) {
    let mut record = Record::default();
    let start = Instant::now();
    for number in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let title = format!("task-{number}");
        let mut attempt = Attempt { record: &mut record, start, failing };
        let created = attempt.make(|| user.create(&title, &title)).await;
        let listed = attempt.make(|| user.list()).await;
        let completed = match &created {
            Some(task) => attempt.make(|| user.complete(&task.id)).await.is_some(),
            None => false,
        };
        if let (Some(task), Some(tasks)) = (&created, &listed)
            && !tasks.iter().any(|listed| listed.id == task.id)
        {
            record.failures.push(format!("{} was answered and is not in the list after it", task.title));
        }
        if created.is_some() {
            record.answered.insert(title, completed);
        }
    }
    (user, record)
}

struct Attempt<'a> {
    record: &'a mut Record,
    start: Instant,
    failing: Failing,
}

impl Attempt<'_> {
    async fn make<T, F: Future<Output = Result<T>>>(&mut self, request: impl Fn() -> F) -> Option<T> {
        let begun = Instant::now();
        loop {
            let sent = Instant::now();
            let answer = request().await;
            let took = sent.elapsed();
            self.record.requests += 1;
            self.record.longest = self.record.longest.max(took);
            sleep(PAUSE).await;
            match answer {
                Ok(answer) => return Some(answer),
                Err(error) => {
                    let at = sent - self.start;
                    self.record.failures.push(format!("after {at:.1?}, within {took:.1?}: {error:#}"));
                }
            }
            if self.failing == Failing::GoesOn || begun.elapsed() > PATIENCE {
                return None;
            }
        }
    }
}

/// What the users remember.
pub struct Outcome(Vec<(User, Record)>);

impl Outcome {
    fn sum(&self, count: impl Fn(&Record) -> usize) -> usize {
        self.0.iter().map(|(_, record)| count(record)).sum()
    }

    pub fn requests(&self) -> usize {
        self.sum(|record| record.requests)
    }

    pub fn failed(&self) -> usize {
        self.sum(|record| record.failures.len())
    }

    /// The numbers for the table at the end.
    pub fn summary(&self) -> String {
        let (failed, requests, longest) = (self.failed(), self.requests(), self.longest().as_secs_f64());
        format!("{failed} of {requests} requests failed, longest {longest:.2} s")
    }

    pub fn writes(&self) -> usize {
        self.sum(|record| record.answered.len())
    }

    pub fn longest(&self) -> Duration {
        self.0.iter().map(|(_, record)| record.longest).max().unwrap_or_default()
    }

    /// Fails unless every request got the answer it should.
    pub fn without_failure(&self) -> Result<()> {
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

    /// Fails unless each answered write is there, and nothing twice. Gives the number of tasks looked at.
    pub async fn nothing_lost(&self, base: &str) -> Result<usize> {
        let mut looked_at = 0;
        ensure!(self.writes() > 0, "the load wrote nothing");
        for (user, record) in &self.0 {
            let tasks = user.by(base).tasks().await?;
            looked_at += tasks.len();
            let mut found: HashMap<&str, &Task> = HashMap::new();
            for task in &tasks {
                if found.insert(&task.title, task).is_some() {
                    bail!("{} is there twice", task.title);
                }
            }
            for (title, completed) in &record.answered {
                match found.get(title.as_str()) {
                    None => bail!("{title} was answered and is lost"),
                    Some(task) if *completed && !task.completed => {
                        bail!("the completion of {title} was answered and is lost")
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(looked_at)
    }
}
