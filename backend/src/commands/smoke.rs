//! A smoke test: it does what a user does first. `helm test` runs it against the frontend's Service.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, StatusCode, Url, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{accounts::secrets, http::client};

const GATEWAY_ERRORS: [StatusCode; 3] =
    [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
/// How long gateways may answer that they cannot reach the backend.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens a page, makes an account, writes, reads, completes and deletes a task, and deletes the account, all below
/// `url`; lists the tools of the MCP server below `mcp`. Prints each step that succeeded; the error names the first
/// that did not.
pub async fn run(url: &str, mcp: Option<&str>) -> Result<()> {
    let url = url.trim_end_matches('/').to_owned();
    let target = Url::parse(&url).with_context(|| format!("{url} is no URL"))?;
    let client = client::builder_for(&target).timeout(Duration::from_secs(20)).build()?;
    let mut user = User { client, url, cookie: None };

    let page = user.request(Method::GET, "/", None, StatusCode::OK).await.context("opening the first page")?;
    ensure!(page.contains("<html"), "opening the first page: GET / answered something else than a page");
    println!("the first page opens");
    user.until_backend_is_reached().await.context("reaching the backend")?;

    let email = format!("smoke-{}@example.com", Uuid::now_v7().simple());
    let password = secrets::generate();
    let password = password.expose_secret();
    let account = json!({ "email": email, "password": password });
    user.request(Method::POST, "/api/auth/sign-up", Some(account), StatusCode::CREATED).await.context("signing up")?;
    ensure!(user.cookie.is_some(), "signing up: the answer set no cookie");
    println!("signed up as {email}");

    user.use_tasks().await?;
    if let Some(mcp) = mcp {
        user.use_mcp(mcp.trim_end_matches('/')).await.context("using the MCP server")?;
    }
    let cookie = user.cookie.clone();
    let proof = Some(json!({ "current_password": password }));
    let deletion = user.request(Method::DELETE, "/api/auth/me", proof, StatusCode::NO_CONTENT).await;
    deletion.context("deleting the account")?;
    user.cookie = cookie;
    let refusal = user.request(Method::GET, "/api/tasks", None, StatusCode::UNAUTHORIZED).await;
    refusal.context("using the deleted account")?;
    println!("deleted the account");
    Ok(())
}

struct User {
    client: Client,
    url: String,
    cookie: Option<String>,
}

impl User {
    /// Waits until the gateways on the way reach the backend, because a Service leads to a pod only some moments after
    /// the pod became ready. After this, no request is repeated.
    async fn until_backend_is_reached(&self) -> Result<()> {
        let url = format!("{}/api/auth/me", self.url);
        let start = Instant::now();
        loop {
            let status = self.client.get(&url).send().await?.status();
            if !GATEWAY_ERRORS.contains(&status) {
                return Ok(());
            }
            ensure!(
                start.elapsed() < GATEWAY_TIMEOUT,
                "GET {url} still answers {status} after {} s",
                GATEWAY_TIMEOUT.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn use_tasks(&mut self) -> Result<()> {
        let title = format!("Smoke test {}", Uuid::now_v7());
        let draft = json!({ "title": title });
        let created = self.request(Method::POST, "/api/tasks", Some(draft), StatusCode::CREATED).await;
        let task = parse(&created.context("creating a task")?).context("creating a task")?;
        let id = task["id"].as_str().context("creating a task: the answer has no id")?;
        let path = format!("/api/tasks/{id}");
        println!("created a task");

        let read = self.request(Method::GET, &path, None, StatusCode::OK).await.context("reading the task")?;
        ensure!(parse(&read)?["title"] == title, "reading the task: its title is not the one that was written");
        self.expect_listed(id, true).await?;
        println!("read it");

        let complete = format!("{path}/complete");
        let completed =
            self.request(Method::POST, &complete, None, StatusCode::OK).await.context("completing the task")?;
        ensure!(parse(&completed)?["status"] == "completed", "completing the task: its status did not change");
        println!("completed it");

        self.request(Method::DELETE, &path, None, StatusCode::NO_CONTENT).await.context("deleting the task")?;
        self.request(Method::GET, &path, None, StatusCode::NOT_FOUND).await.context("reading the deleted task")?;
        self.expect_listed(id, false).await?;
        println!("deleted it");
        Ok(())
    }

    /// Lists the tools with an API token, without the frontend in between.
    async fn use_mcp(&mut self, backend: &str) -> Result<()> {
        let name = json!({ "name": "smoke test" });
        let token = self.request(Method::POST, "/api/auth/tokens", Some(name), StatusCode::CREATED).await?;
        let token = parse(&token)?;
        let request = self
            .client
            .post(format!("{backend}/mcp"))
            .bearer_auth(token["token"].as_str().context("making a token: the answer has none")?)
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::CONTENT_TYPE, "application/json")
            .body(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string());
        let foreign =
            request.try_clone().context("the body can be sent twice")?.header(header::HOST, "foreign.example");

        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        ensure!(status == StatusCode::OK, "POST {backend}/mcp answered {status}: {body}");
        ensure!(body.contains("add_task"), "POST {backend}/mcp lists no add_task: {body}");
        println!("listed the tools of the MCP server");
        // MCP_ALLOWED_HOSTS keeps pages of other origins out, even if their name leads to this server.
        let status = foreign.send().await?.status();
        ensure!(status == StatusCode::FORBIDDEN, "POST {backend}/mcp answered {status} under a foreign name");
        Ok(())
    }

    async fn expect_listed(&mut self, id: &str, expected: bool) -> Result<()> {
        let list = self.request(Method::GET, "/api/tasks", None, StatusCode::OK).await.context("listing the tasks")?;
        let list = parse(&list)?;
        let tasks = list["tasks"].as_array().context("listing the tasks: the answer has no list")?;
        let listed = tasks.iter().any(|task| task["id"] == id);
        ensure!(listed == expected, "listing the tasks: the task is {}listed", if listed { "still " } else { "not " });
        Ok(())
    }

    /// Sends a request, keeps the cookie of its answer, and gives its body if the status is the expected one.
    async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        expected: StatusCode,
    ) -> Result<String> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| format!("{method} {}{path}", self.url))?;
        let status = response.status();
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            self.cookie = cookie.to_str()?.split(';').next().map(str::to_owned);
        }
        let body = response.text().await.with_context(|| format!("{method} {path} broke off its answer"))?;
        if status != expected {
            bail!("{method} {path} answered {status} instead of {expected}: {body}");
        }
        Ok(body)
    }
}

fn parse(body: &str) -> Result<Value> {
    serde_json::from_str(body).context("the answer is no JSON")
}
