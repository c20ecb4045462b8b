use std::{
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{TIMEOUT, wait_until};

pub const SECRET_KEY: &str = "a key that only tests know and nobody logs";

/// The program, which serves on free ports. Dropping this value kills it.
pub struct Backend {
    process: Child,
    /// The lines of standard output and standard error.
    lines: Arc<Mutex<Vec<String>>>,
    readers: [JoinHandle<()>; 2],
    /// `http://127.0.0.1:<port>`
    pub url: String,
    pub metrics_url: String,
    client: Client,
}

impl Backend {
    /// A subcommand with the settings that each of them needs. Of the caller's environment it gets only
    /// `SSL_CERT_FILE`, since a sandbox may have the certificate authorities elsewhere.
    pub fn command(subcommand: &str, database_url: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo-backend"));
        command
            .arg(subcommand)
            .env_clear()
            .envs(std::env::var_os("SSL_CERT_FILE").map(|path| ("SSL_CERT_FILE", path)))
            .env("DATABASE_URL", database_url)
            .env("SECRET_KEY", SECRET_KEY)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("METRICS_PORT", "0")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Starts the server, and waits until its ports are open.
    pub async fn serve(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command("serve", database_url);
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = Arc::default();
        let readers = [
            tokio::spawn(read(process.stdout.take().unwrap(), Arc::clone(&lines))),
            tokio::spawn(read(process.stderr.take().unwrap(), Arc::clone(&lines))),
        ];
        let mut backend =
            Self { process, lines, readers, url: String::new(), metrics_url: String::new(), client: Client::new() };
        let listening =
            backend.wait_for_log_line("the line that says listening", |line| line["message"] == "listening").await;
        backend.url = format!("http://{}", listening["address"].as_str().unwrap());
        backend.metrics_url = format!("http://{}", listening["metrics_address"].as_str().unwrap());
        backend
    }

    /// Starts the server, and waits until it is ready.
    pub async fn start_ready(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let backend = Self::serve(database_url, settings).await;
        backend.wait_until_ready().await;
        backend
    }

    pub async fn wait_until_ready(&self) {
        wait_until("/ready answers 200", async || (self.get("/ready").await.status() == StatusCode::OK).then_some(()))
            .await;
    }

    /// Waits until `/ready` answers 503, and returns its `reason`.
    pub async fn wait_until_unready(&self) -> String {
        wait_until("/ready answers 503", async || {
            let answer = self.get("/ready").await;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                return None;
            }
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["status"], "not_ready");
            Some(body["reason"].as_str().unwrap().to_owned())
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.url)).timeout(TIMEOUT);
        request.send().await.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()))
    }

    /// The value of a metric, which is named with its labels.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.client.get(format!("{}/metrics", self.metrics_url)).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
    }

    /// Waits for a log line that matches, and returns it.
    pub async fn wait_for_log_line(&self, description: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(
            TIMEOUT,
            wait_until(description, async || {
                let lines = lock(&self.lines);
                lines.iter().filter_map(|line| serde_json::from_str(line).ok()).find(&matches)
            }),
        );
        found.await.unwrap_or_else(|_| panic!("no log line: {description}\n{}", self.log()))
    }

    /// All log lines so far.
    pub fn log(&self) -> String {
        lock(&self.lines).join("\n")
    }

    /// The most memory that the process has used so far, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let pid = self.process.id().expect("still running");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends the process between any two of its instructions.
    pub fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.process.id().expect("still running");
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    /// Waits until the process has ended and its whole log was read.
    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        let status = timeout(TIMEOUT, self.process.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("does not end:\n{}", self.log())).unwrap();
        for reader in &mut self.readers {
            reader.await.unwrap();
        }
        status
    }
}

async fn read(stream: impl AsyncRead + Unpin, lines: Arc<Mutex<Vec<String>>>) {
    let mut reader = BufReader::new(stream).lines();
    while let Some(line) = reader.next_line().await.unwrap() {
        lock(&lines).push(line);
    }
}

fn lock(lines: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
