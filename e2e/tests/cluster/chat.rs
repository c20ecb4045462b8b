//! The chat and MCP, with a model that plays a script on this machine.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use todo_e2e::{
    browser, model, program,
    release::Release,
    suite::{BASELINE, Suite},
    user::User,
    wait::wait_until,
};
use todo_llm::{Model, Reply, Rule, Script};

use crate::install::{HOST, behind_the_ingress};

/// The shared release with a backend that asks this model.
async fn release_with_model(suite: &Suite, script: Script) -> Result<(&Release, Model)> {
    let (model, values) = model::start(&suite.cluster, script).await?;
    let values: Vec<_> = BASELINE.iter().copied().chain(values.iter().map(String::as_str)).collect();
    Ok((suite.shared_release(&values).await?, model))
}

pub async fn us1_2_journey_through_the_chat(suite: &Suite) -> Result<()> {
    let (release, model) = release_with_model(suite, Script::demo()).await?;
    let start = Instant::now();
    let model = format!("http://{}", model.address());
    browser::chat_journey(&release.proxy().await?.url, &model).await?;
    suite.report.add("US1.2 journey through the chat", "passes", format!("{:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

pub async fn sc_003_a_conversation_outlives_its_pod(suite: &Suite) -> Result<()> {
    let script = Script::rules([
        Rule::user("plan", [Reply::pieces(["First the milk,", " then the rest."]).gate("never", 2)]),
        Rule::user("go on", [Reply::text("Then the rest.")]),
    ]);
    let (release, model) = release_with_model(suite, script).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let mut chat = user.chat(&json!({ "message": "plan my day" })).await?;
    let seen = chat.read_until("First the milk,").await?;
    let id = conversation_id(seen)?;

    // The model notices when the pod that listens to it is gone.
    for pod in release.names("backend").await? {
        program::stdout(release.kubectl(["delete", "pod", &pod, "--grace-period=0", "--force"])).await?;
        if tokio::time::timeout(Duration::from_secs(10), model.idle()).await.is_ok() {
            break;
        }
    }
    let start = Instant::now();
    let conversation = wait_until("the turn is ended for the pod that cannot", Duration::from_mins(1), async || {
        let conversation = user.conversation(&id).await?;
        ensure!(conversation["at_work"] == false, "it is still at work");
        Ok(conversation)
    })
    .await?;
    let taken = start.elapsed();
    let answer = &conversation["messages"][1];
    ensure!(answer["text"] == "First the milk,", "what was answered is not kept: {conversation}");
    ensure!(answer["error"]["code"] == "interrupted", "the answer does not say why it ends there: {conversation}");

    let message = json!({ "conversation_id": id, "message": "go on" });
    user.chat(&message).await?.read_until("message_end").await?;
    let conversation = user.conversation(&id).await?;
    ensure!(conversation["messages"][3]["text"] == "Then the rest.", "it does not go on: {conversation}");
    let asked = model.requests().pop().context("the model was asked")?.to_string();
    ensure!(asked.contains("First the milk,"), "the request lacks what the model has answered before: {asked}");
    suite.report.time("SC-003 the chat goes on after its pod was killed", Duration::from_mins(1), taken)?;
    release.wait_until_settled().await
}

/// The conversation that the first event of the stream names.
fn conversation_id(stream: &str) -> Result<String> {
    let data = stream.lines().find_map(|line| line.strip_prefix("data:")).context("the stream begins with data")?;
    let data: Value = serde_json::from_str(data.trim())?;
    data["conversation_id"].as_str().map(str::to_owned).with_context(|| format!("no conversation in {data}"))
}

pub async fn mcp_through_the_ingress(suite: &Suite) -> Result<()> {
    let (release, ingress) = behind_the_ingress(suite).await?;
    let proxy = release.proxy().await?;
    let user = User::sign_up(&proxy.url).await?;
    let token = user.token("an assistant").await?;
    let mcp = Mcp { client: Client::new(), url: format!("{ingress}/mcp"), token };

    let tools = mcp.call("tools/list", json!({})).await?;
    let names: Vec<_> =
        tools["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str()).collect();
    for name in ["add_task", "list_tasks", "complete_task", "update_task", "delete_task"] {
        ensure!(names.contains(&name), "{name} is missing in {names:?}");
    }
    mcp.call("tools/call", json!({ "name": "add_task", "arguments": { "title": "Buy milk" } })).await?;
    let tasks = user.list().await?;
    ensure!(tasks.iter().any(|task| task.title == "Buy milk"), "the task was not added: {tasks:?}");

    let refused = mcp.client.post(&mcp.url).header("host", HOST).json(&json!({})).send().await?;
    ensure!(refused.status() == StatusCode::UNAUTHORIZED, "without a token it answers {}", refused.status());
    Ok(())
}

struct Mcp {
    client: Client,
    url: String,
    token: String,
}

impl Mcp {
    /// Sends one request and returns its result. Each request may be answered by another pod.
    async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let request = self.client.post(&self.url).header("host", HOST).bearer_auth(&self.token);
        let request = request.header("accept", "application/json, text/event-stream");
        let request = request.header("mcp-protocol-version", "2025-06-18");
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = request.json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status == StatusCode::OK, "{method} was answered {status}: {text}");
        let data = text.lines().find_map(|line| line.strip_prefix("data:").filter(|data| data.contains("jsonrpc")));
        let message: Value =
            serde_json::from_str(data.unwrap_or(&text)).with_context(|| format!("{method}: {text}"))?;
        ensure!(message["result"]["isError"] != true && message["error"].is_null(), "{method} failed: {message}");
        Ok(message["result"].clone())
    }
}
