//! Users of the application, and a load of their requests.

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

/// The time between two requests for the list of tasks.
pub const LIST_INTERVAL: Duration = Duration::from_millis(25);
/// The number of users, so that none exceeds the limit of messages per minute.
const USER_COUNT: usize = 8;
/// Messages to which the demo model replies with a tool call.
const MESSAGES: [&str; 4] = ["add Buy milk", "list all", "complete Buy milk", "delete Buy milk"];
/// The message to which the model replies with an error.
const FAILING_MESSAGE: &str = "fail";

/// Several signed-in users.
pub struct Users {
    client: Client,
    backend: String,
    /// A cookie for each user.
    sessions: Vec<String>,
    turns: AtomicUsize,
}

impl Users {
    /// Signs up all users, and adds a rule to the model by which it fails.
    pub async fn sign_up(backend: &Running, model: &Running) -> Result<Self> {
        let client = Client::new();
        let rule = format!(
            r#"[{{ "when": {{ "user": "^{FAILING_MESSAGE}$" }}, "reply": {{ "fault": {{ "status": {{ "code": 400 }} }} }} }}]"#
        );
        client.post(format!("{}/rules", model.url)).body(rule).send().await?.error_for_status()?;
        let session = async |user| {
            let form = format!(r#"{{"email":"user-{user}@example.com","password":"correct horse battery"}}"#);
            let sign_up = client.post(format!("{}/api/auth/sign-up", backend.url)).body(form);
            let answer = sign_up.header("content-type", "application/json").send().await?.error_for_status()?;
            let cookie = answer.headers().get("set-cookie").context("signing up set no cookie")?.to_str()?;
            Ok::<_, anyhow::Error>(cookie.split(';').next().unwrap_or_default().to_owned())
        };
        let sessions = try_join_all((0..USER_COUNT).map(session)).await?;
        Ok(Self { client, backend: backend.url.clone(), sessions, turns: AtomicUsize::new(0) })
    }

    /// Requests a URL as the first user.
    pub async fn get(&self, url: &str) -> Result<()> {
        read_response(self.client.get(url).header("cookie", &self.sessions[0])).await.map(drop)
    }

    /// Sends this number of concurrent requests for the list of tasks.
    pub async fn list_tasks(&self, times: usize) -> Result<()> {
        let url = format!("{}/api/tasks", self.backend);
        try_join_all((0..times).map(|_| self.get(&url))).await.map(drop)
    }

    /// Runs a turn of the chat in which the model calls a tool.
    pub async fn run_turn(&self) -> Result<()> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        // Some users complete a task that does not exist, so that calls also fail.
        self.send_message(
            turn,
            MESSAGES[(turn / USER_COUNT + turn % USER_COUNT) % MESSAGES.len()],
            "event: message_end",
        )
        .await
    }

    /// Runs a turn of the chat in which the model fails.
    pub async fn run_failing_turn(&self) -> Result<()> {
        self.send_message(self.turns.fetch_add(1, Ordering::Relaxed), FAILING_MESSAGE, "event: error").await
    }

    async fn send_message(&self, turn: usize, message: &str, end: &str) -> Result<()> {
        let request = self.client.post(format!("{}/api/chat", self.backend));
        let request =
            request.header("cookie", &self.sessions[turn % USER_COUNT]).header("content-type", "application/json");
        let answer = read_response(request.body(format!(r#"{{"message":"{message}"}}"#))).await?;
        ensure!(answer.contains(end), "`{message}` was answered without `{end}`: {answer}");
        Ok(())
    }
}

async fn read_response(request: RequestBuilder) -> Result<String> {
    Ok(request.send().await?.error_for_status()?.text().await?)
}

/// Sends requests of the users at a constant rate until `finish`.
pub struct Load {
    stop: watch::Sender<bool>,
    workers: JoinSet<Result<()>>,
}

impl Load {
    pub fn start(users: &Arc<Users>, frontend: &Running) -> Self {
        let stop = watch::Sender::new(false);
        let mut workers = JoinSet::new();
        let mut repeat = |interval: Duration, action: Action| {
            let (users, stop) = (Arc::clone(users), stop.subscribe());
            workers.spawn(async move {
                let mut ticks = tokio::time::interval(interval);
                // Late requests are sent in a burst, so that the average rate is constant.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                while !*stop.borrow() {
                    ticks.tick().await;
                    match &action {
                        Action::ListTasks => users.list_tasks(1).await?,
                        Action::Get(url) => users.get(url).await?,
                        Action::RunTurn => users.run_turn().await?,
                    }
                }
                Ok(())
            });
        };
        repeat(LIST_INTERVAL, Action::ListTasks);
        repeat(LIST_INTERVAL * 10, Action::Get(format!("{}/sign-in", frontend.url)));
        repeat(LIST_INTERVAL * 10, Action::Get(format!("{}/api/auth/me", frontend.url)));
        repeat(LIST_INTERVAL * 40, Action::RunTurn);
        Self { stop, workers }
    }

    /// Stops the load, and fails if a request has failed.
    pub async fn finish(self) -> Result<()> {
        self.stop.send_replace(true);
        self.workers.join_all().await.into_iter().collect()
    }
}

enum Action {
    ListTasks,
    Get(String),
    RunTurn,
}
