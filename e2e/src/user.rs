//! A user of the application, by its API.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

/// How long a request may take, whatever happens in the cluster.
const LIMIT: Duration = Duration::from_secs(20);

/// Whether connections are kept for the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    KeepAlive,
    OnePerRequest,
}

#[derive(Clone, Debug)]
pub struct User {
    base: String,
    cookie: String,
    client: Client,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: String,
    pub title: String,
    pub completed: bool,
}

impl User {
    pub async fn sign_up(base: &str) -> Result<Self> {
        Self::with_connections(base, Connections::OnePerRequest).await
    }

    pub async fn with_connections(base: &str, connections: Connections) -> Result<Self> {
        let client = match connections {
            Connections::KeepAlive => Client::builder(),
            Connections::OnePerRequest => Client::builder().pool_max_idle_per_host(0),
        };
        let client = client.timeout(LIMIT).build()?;
        let form =
            json!({ "email": format!("{}@example.com", uuid::Uuid::new_v4()), "password": "correct horse battery" });
        let answer = client.post(format!("{base}/api/auth/sign-up")).json(&form).send().await?;
        ensure!(answer.status() == StatusCode::CREATED, "signing up was answered {}", answer.status());
        let cookie = answer.headers().get("set-cookie").context("signing up set no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { base: base.to_owned(), cookie, client })
    }

    /// The same session at another address of the application.
    #[must_use]
    pub fn with_base_url(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// Creates a task. Several calls with the same idempotency key create only one.
    pub async fn create(&self, title: &str, key: &str) -> Result<Task> {
        let request = self.request(Method::POST, "/api/tasks").header("idempotency-key", key);
        parse(&expect(request.json(&json!({ "title": title })), StatusCode::CREATED).await?)
    }

    pub async fn complete(&self, id: &str) -> Result<Task> {
        parse(&expect(self.request(Method::POST, &format!("/api/tasks/{id}/complete")), StatusCode::OK).await?)
    }

    pub async fn rename(&self, id: &str, title: &str) -> Result<Task> {
        let request = self.request(Method::PATCH, &format!("/api/tasks/{id}"));
        parse(&expect(request.json(&json!({ "title": title })), StatusCode::OK).await?)
    }

    pub async fn delete(&self, id: &str) -> Result<()> {
        expect(self.request(Method::DELETE, &format!("/api/tasks/{id}")), StatusCode::NO_CONTENT).await.map(drop)
    }

    /// The newest tasks.
    pub async fn list(&self) -> Result<Vec<Task>> {
        let page = expect(self.request(Method::GET, "/api/tasks?limit=5"), StatusCode::OK).await?;
        page["tasks"].as_array().context("the list has no tasks")?.iter().map(parse).collect()
    }

    /// The tasks that contain this text, at most 200, in this order.
    pub async fn search(&self, text: &str, sort: &str) -> Result<Vec<Task>> {
        let query = [("q", text), ("sort", sort), ("limit", "200")];
        let url = Url::parse_with_params("http://localhost/api/tasks", query)?;
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let page = expect(self.request(Method::GET, &path), StatusCode::OK).await?;
        page["tasks"].as_array().context("the page has no tasks")?.iter().map(parse).collect()
    }

    /// Creates an API token, and returns its secret.
    pub async fn token(&self, name: &str) -> Result<String> {
        let request = self.request(Method::POST, "/api/auth/tokens").json(&json!({ "name": name }));
        let token = expect(request, StatusCode::CREATED).await?;
        token["token"].as_str().map(str::to_owned).context("a token has a secret")
    }

    /// Sends a message to the assistant, and returns the stream of the answer.
    pub async fn chat(&self, message: &Value) -> Result<Chat> {
        let answer = self.request(Method::POST, "/api/chat").json(message).send().await?;
        let status = answer.status();
        if status != StatusCode::OK {
            bail!("the chat answered {status}: {}", answer.text().await?);
        }
        Ok(Chat { answer, seen: String::new() })
    }

    pub async fn conversation(&self, id: &str) -> Result<Value> {
        expect(self.request(Method::GET, &format!("/api/conversations/{id}")), StatusCode::OK).await
    }

    /// All tasks.
    pub async fn tasks(&self) -> Result<Vec<Task>> {
        let tasks = expect(self.request(Method::GET, "/api/tasks/export"), StatusCode::OK).await?;
        tasks.as_array().context("the export is no list")?.iter().map(parse).collect()
    }
}

/// The stream of an answer.
#[derive(Debug)]
pub struct Chat {
    answer: Response,
    seen: String,
}

impl Chat {
    /// Reads until the stream contains this text, and returns all that was read so far.
    pub async fn read_until(&mut self, text: &str) -> Result<&str> {
        while !self.seen.contains(text) {
            let chunk = self.answer.chunk().await?;
            let chunk = chunk.with_context(|| format!("the stream ended without {text:?}: {}", self.seen))?;
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        Ok(&self.seen)
    }
}

/// Sends the request, and fails unless the answer has this status. The error contains the answer.
async fn expect(request: RequestBuilder, status: StatusCode) -> Result<Value> {
    let (client, request) = request.build_split();
    let request = request?;
    let what = format!("{} {}", request.method(), request.url().path());
    let answer = client.execute(request).await.with_context(|| format!("{what} got no answer"))?;
    let found = answer.status();
    let body = answer.text().await.with_context(|| format!("{what} got half an answer, {found}"))?;
    ensure!(found == status, "{what} was answered {found}: {body}");
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_str(&body).with_context(|| format!("{what}: {body}"))
    }
}

fn parse(task: &Value) -> Result<Task> {
    let text =
        |key: &str| task[key].as_str().map(str::to_owned).with_context(|| format!("a task has no {key}: {task}"));
    Ok(Task { id: text("id")?, title: text("title")?, completed: text("status")? == "completed" })
}
