//! Users of the application, whose requests Prometheus measures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use reqwest::{Client, RequestBuilder};
use todo::stack::Running;
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

/// The time between two requests of the load whose rate is compared.
pub const PACE: Duration = Duration::from_millis(25);
/// Enough users that none exceeds the number of messages that the chat accepts in a minute.
const USERS: usize = 8;
/// Messages for which the model of the demo calls a tool.
const PHRASES: [&str; 4] = ["add Buy milk", "list all", "complete Buy milk", "delete Buy milk"];
/// The message at which the model fails.
const FAILING: &str = "fail";

pub struct Crowd {
    client: Client,
    backend: String,
    /// A cookie for each user.
    sessions: Vec<String>,
    turns: AtomicUsize,
}

impl Crowd {
    pub async fn sign_up(backend: &Running, model: &Running) -> Result<Self> {
        let client = Client::new();
        let rule = format!(
            r#"[{{ "when": {{ "user": "^{FAILING}$" }}, "reply": {{ "fault": {{ "status": {{ "code": 400 }} }} }} }}]"#
        );
        client.post(format!("{}/rules", model.url)).body(rule).send().await?.error_for_status()?;
        let session = async |user| {
            let form = format!(r#"{{"email":"user-{user}@example.com","password":"correct horse battery"}}"#);
            let sign_up = client.post(format!("{}/api/auth/sign-up", backend.url)).body(form);
            let answer = sign_up.header("content-type", "application/json").send().await?.error_for_status()?;
            let cookie = answer.headers().get("set-cookie").context("signing up set no cookie")?.to_str()?;
            Ok::<_, anyhow::Error>(cookie.split(';').next().unwrap_or_default().to_owned())
        };
        let sessions = try_join_all((0..USERS).map(session)).await?;
        Ok(Self { client, backend: backend.url.clone(), sessions, turns: AtomicUsize::new(0) })
    }

    /// The first user opens an address.
    pub async fn open(&self, url: &str) -> Result<()> {
        finish(self.client.get(url).header("cookie", &self.sessions[0])).await.map(drop)
    }

    /// So many users list their tasks at the same time.
    pub async fn list(&self, times: usize) -> Result<()> {
        let url = format!("{}/api/tasks", self.backend);
        try_join_all((0..times).map(|_| self.open(&url))).await.map(drop)
    }

    /// A turn of the chat in which the model calls a tool.
    pub async fn talk(&self) -> Result<()> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        // Some complete at first what is not there: that tool fails.
        self.send(turn, PHRASES[(turn / USERS + turn % USERS) % PHRASES.len()], "event: message_end").await
    }

    /// A turn of the chat in which the model fails.
    pub async fn talk_to_failing_model(&self) -> Result<()> {
        self.send(self.turns.fetch_add(1, Ordering::Relaxed), FAILING, "event: error").await
    }

    async fn send(&self, turn: usize, message: &str, end: &str) -> Result<()> {
        let request = self.client.post(format!("{}/api/chat", self.backend));
        let request = request.header("cookie", &self.sessions[turn % USERS]).header("content-type", "application/json");
        let answer = finish(request.body(format!(r#"{{"message":"{message}"}}"#))).await?;
        ensure!(answer.contains(end), "`{message}` was answered without `{end}`: {answer}");
        Ok(())
    }
}

async fn finish(request: RequestBuilder) -> Result<String> {
    Ok(request.send().await?.error_for_status()?.text().await?)
}

/// Requests of the crowd at a steady pace, until `finish`.
pub struct Load {
    stop: watch::Sender<bool>,
    workers: JoinSet<Result<()>>,
}

impl Load {
    pub fn start(crowd: &Arc<Crowd>, frontend: &Running) -> Self {
        let stop = watch::Sender::new(false);
        let mut workers = JoinSet::new();
        let mut repeat = |pace: Duration, act: Act| {
            let (crowd, stop) = (Arc::clone(crowd), stop.subscribe());
            workers.spawn(async move {
                let mut ticks = tokio::time::interval(pace);
                // Late requests are caught up with, so that the average rate stays the same.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                while !*stop.borrow() {
                    ticks.tick().await;
                    match &act {
                        Act::List => crowd.list(1).await?,
                        Act::Open(url) => crowd.open(url).await?,
                        Act::Talk => crowd.talk().await?,
                    }
                }
                Ok(())
            });
        };
        repeat(PACE, Act::List);
        repeat(PACE * 10, Act::Open(format!("{}/sign-in", frontend.url)));
        repeat(PACE * 10, Act::Open(format!("{}/api/auth/me", frontend.url)));
        repeat(PACE * 40, Act::Talk);
        Self { stop, workers }
    }

    pub async fn finish(self) -> Result<()> {
        self.stop.send_replace(true);
        self.workers.join_all().await.into_iter().collect()
    }
}

enum Act {
    List,
    Open(String),
    Talk,
}
