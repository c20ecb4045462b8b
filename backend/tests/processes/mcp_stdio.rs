//! `todo-backend mcp`: what a client reads when something is wrong.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use crate::support::{Backend, TIMEOUT, User, migrate, url};

/// The program with an API token of a user, and its standard input and output.
struct Program {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    async fn start(backend: &Backend, token: &str) -> Self {
        let mut command = Backend::command("mcp", "postgres://unused");
        command.env("TODO_URL", &backend.url).env("TODO_TOKEN", token);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut program = Self { _process: process, input, output };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" } });
        let answer = program.request("initialize", hello).await;
        assert_eq!(answer["result"]["serverInfo"]["name"], "todo", "{answer}");
        program.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        program
    }

    async fn write(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn read(&mut self) -> Value {
        let line = timeout(TIMEOUT, self.output.next_line()).await.expect("an answer").unwrap();
        serde_json::from_str(&line.expect("a line")).unwrap()
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.write(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()).await;
        self.read().await
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The message of a call that the program cannot pass on. It is not about this program's insides.
    async fn failure(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.call(tool, arguments).await;
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(!message.contains("::") && !message.contains("ransport"), "{message}");
        message.to_owned()
    }
}

async fn token(user: &User, backend: &Backend) -> Value {
    let tokens = format!("{}/api/auth/tokens", backend.url);
    user.post(tokens, &json!({ "name": "test" })).await.json().await.unwrap()
}

#[sqlx::test(migrations = false)]
async fn a_line_that_is_no_message_is_answered(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    let token = token(&user, &backend).await;
    let mut program = Program::start(&backend, token["token"].as_str().unwrap()).await;
    for (line, code) in [
        ("{bad", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800"}}"#, -32700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602),
    ] {
        program.write(line).await;
        let answer = program.read().await;
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    // It still works.
    let answer = program.call("add_task", json!({ "title": "Milk" })).await;
    assert_eq!(answer["result"]["structuredContent"]["task"]["title"], "Milk", "{answer}");
}

#[sqlx::test(migrations = false)]
async fn a_failure_says_what_to_do(_: PgPoolOptions, options: PgConnectOptions) {
    let url = url(&options);
    migrate(&url).await;
    let mut backend = Backend::start_ready(&url, &[]).await;
    let user = User::sign_up(&backend.url).await;
    let (kept, revoked) = (token(&user, &backend).await, token(&user, &backend).await);
    let mut program = Program::start(&backend, revoked["token"].as_str().unwrap()).await;
    let revoke = format!("{}/api/auth/tokens/{}", backend.url, revoked["id"].as_str().unwrap());
    assert!(user.request(Method::DELETE, revoke).send().await.unwrap().status().is_success());
    for _ in 0..2 {
        let message = program.failure("list_tasks", json!({})).await;
        assert!(message.contains("TODO_TOKEN") && message.contains("account page"), "{message}");
    }

    let mut program = Program::start(&backend, kept["token"].as_str().unwrap()).await;
    let large = json!({ "title": "Milk", "description": "d".repeat(70_000) });
    let message = program.failure("add_task", large).await;
    assert!(message.contains("larger than 65536 bytes"), "{message}");
    let answer = program.call("add_task", json!({ "title": "Milk" })).await;
    assert_eq!(answer["result"]["structuredContent"]["task"]["title"], "Milk", "{answer}");

    backend.kill();
    backend.wait_for_exit().await;
    for _ in 0..2 {
        let message = program.failure("list_tasks", json!({})).await;
        assert!(message.contains(&backend.url) && message.contains("again"), "{message}");
    }
}
