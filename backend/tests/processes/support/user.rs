use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{EventStream, TIMEOUT};

/// A user with a session. It can use any replica.
#[derive(Clone)]
pub struct User {
    pub email: String,
    pub password: String,
    /// The session's cookie.
    pub cookie: String,
    client: Client,
}

impl User {
    pub async fn sign_up(backend: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let email = format!("ada{number}@example.com");
        let password = format!("correct horse battery {number}");
        let client = Client::new();
        let form = json!({ "email": email, "password": password });
        let response = client.post(format!("{backend}/api/auth/sign-up")).json(&form).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { email, password, cookie, client }
    }

    pub fn request(&self, method: Method, url: String) -> RequestBuilder {
        self.client.request(method, url).header("cookie", &self.cookie).timeout(TIMEOUT)
    }

    pub async fn get(&self, url: String) -> Response {
        self.request(Method::GET, url).send().await.unwrap()
    }

    pub async fn post(&self, url: String, body: &Value) -> Response {
        self.request(Method::POST, url).json(body).send().await.unwrap()
    }

    /// Creates a task, and returns its id.
    pub async fn create(&self, backend: &str, title: &str) -> String {
        self.try_create(backend, title).await.unwrap_or_else(|problem| panic!("no task was created: {problem}"))
    }

    /// Creates a task, and returns its id, or the body of a 503.
    pub async fn try_create(&self, backend: &str, title: &str) -> Result<String, Value> {
        let Reply { status, body, .. } = self.post_task(backend, title).await.unwrap();
        match status {
            StatusCode::CREATED => Ok(body["id"].as_str().expect("a task has an id").to_owned()),
            StatusCode::SERVICE_UNAVAILABLE => Err(body),
            _ => panic!("{status}: {body}"),
        }
    }

    /// Sends a request that creates a task. The error is that no response has started; a response that has started must
    /// be complete and JSON.
    async fn post_task(&self, backend: &str, title: &str) -> Result<Reply, reqwest::Error> {
        let request = self.request(Method::POST, format!("{backend}/api/tasks")).json(&json!({ "title": title }));
        let response = request.send().await?;
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.json().await.unwrap_or_else(|error| panic!("{status} without a whole body: {error}"));
        Ok(Reply { status, retry_after, body })
    }

    /// Opens an event stream, and reads its `hello` event.
    pub async fn events(&self, backend: &str) -> EventStream {
        // There is no time limit, since the stream stays open.
        let request = self.client.get(format!("{backend}/api/events")).header("cookie", &self.cookie);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut events = EventStream::new(response);
        events.expect("hello").await;
        events
    }

    /// The titles of all the tasks.
    pub async fn titles(&self, backend: &str) -> Vec<String> {
        let tasks: Vec<Value> = self.get(format!("{backend}/api/tasks/export")).await.json().await.unwrap();
        tasks.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
    }

    /// Starts workers that each create one task after the other.
    pub fn load(&self, backend: &str, workers: usize) -> Load {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for worker in 0..workers {
            tasks.spawn(write(self.clone(), backend.to_owned(), worker, stop.clone()));
        }
        Load { stop, workers: tasks }
    }
}

/// Workers that create tasks until they are stopped.
pub struct Load {
    stop: CancellationToken,
    workers: JoinSet<Vec<Answer>>,
}

/// The result of one write.
#[derive(Debug)]
pub struct Answer {
    pub title: String,
    pub sent: Instant,
    pub took: Duration,
    /// The response, or the error if there was none.
    pub outcome: Result<Reply, reqwest::Error>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Answer {
    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, Ok(Reply { status: StatusCode::CREATED, .. }))
    }
}

impl Load {
    /// Stops the workers, and returns the results of all writes.
    pub async fn finish(self) -> Vec<Answer> {
        self.stop.cancel();
        self.workers.join_all().await.into_iter().flatten().collect()
    }
}

async fn write(user: User, backend: String, worker: usize, stop: CancellationToken) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !stop.is_cancelled() {
        let title = format!("task {} of worker {worker}", answers.len());
        let sent = Instant::now();
        let outcome = user.post_task(&backend, &title).await;
        let refused = outcome.as_ref().is_err_and(reqwest::Error::is_connect);
        answers.push(Answer { title, sent, took: sent.elapsed(), outcome });
        if refused {
            break;
        }
        // A pause keeps a client that is refused from sending requests without end.
        sleep(Duration::from_millis(5)).await;
    }
    answers
}
