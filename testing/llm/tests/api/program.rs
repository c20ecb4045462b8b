//! The program `todo-llm`.

use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::support::TIMEOUT;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-llm"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The address in the first line of the output.
async fn address(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(TIMEOUT, lines.next_line()).await.expect("a line").unwrap().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "listening");
    line["address"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_logs_its_address_and_uses_a_script() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script.yaml");
    std::fs::write(&path, "rules: [{ reply: { text: Hi } }]").unwrap();
    let mut child = program(&["--port=0", "--script", path.to_str().unwrap()]).spawn().unwrap();
    let url = format!("http://{}", address(&mut child).await);
    assert!(reqwest::get(format!("{url}/health")).await.unwrap().status().is_success());
    let body = serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": "a" }] });
    let request = reqwest::Client::new().post(format!("{url}/v1/chat/completions")).json(&body);
    assert!(request.send().await.unwrap().text().await.unwrap().contains(r#""content":"Hi""#));
}

#[tokio::test]
async fn an_invalid_script_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("script.yaml");
    std::fs::write(&path, "rules: [{ reply: { txt: Hi } }]").unwrap();
    let output = program(&["--port=0", "--script", path.to_str().unwrap()]).output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("txt"), "{text}");
}
