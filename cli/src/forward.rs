//! A Service on a port of this machine, by a `kubectl port-forward` in the background that comes back whenever its pod
//! goes.

use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command as StdCommand, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, setsid},
};
use serde::{Deserialize, Serialize};

use crate::{
    boxes,
    helm::RELEASE,
    kubectl::Kubectl,
    process::{self, Program},
    workspace::Workspace,
};

/// A Service of the release that can be forwarded.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    component: &'static str,
    /// The port of the Service in the cluster.
    port: u16,
    /// The first port of this machine to try; the next ones follow while a port is taken.
    first: u16,
    health: &'static str,
}

pub const FRONTEND: Service = Service { component: "frontend", port: 3000, first: 3000, health: "/api/health" };
pub const PROMETHEUS: Service = Service { component: "prometheus", port: 9090, first: 9190, health: "/-/ready" };
pub const GRAFANA: Service = Service { component: "grafana", port: 3000, first: 3100, health: "/api/health" };
pub const SERVICES: [&Service; 3] = [&FRONTEND, &PROMETHEUS, &GRAFANA];

const POLL: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_secs(20);

/// Forward a component's port, until ended
#[derive(Args, Clone, Debug)]
pub struct Forward {
    #[arg(long)]
    context: String,
    #[arg(long)]
    namespace: String,
    #[arg(long, default_value = FRONTEND.component)]
    component: String,
    #[arg(long)]
    port: u16,
}

/// The background process; runs until SIGTERM.
pub async fn run(options: Forward) -> Result<()> {
    // The forward has to survive when the terminal is closed.
    let _ = setsid();
    let workspace = Workspace::find_or_state()?;
    let kubectl = Kubectl { context: options.context, namespace: options.namespace };
    let service = SERVICES.into_iter().find(|service| service.component == options.component);
    let service = service.with_context(|| format!("there is no component {}", options.component))?;
    let file = lock_file(&workspace, &kubectl, service)?;
    let lock = open(&file)?;
    // The content of the file is valid for as long as this process holds the lock.
    lock.try_lock().context("a forward for this namespace runs already")?;
    std::fs::write(&file, serde_json::to_vec(&Running { process: std::process::id(), port: options.port })?)?;
    let name = format!("service/{RELEASE}-{}", service.component);
    let ports = format!("{}:{}", options.port, service.port);
    tokio::select! {
        outcome = process::interrupted() => outcome,
        never = forward(&kubectl, &name, &ports) => never,
        () = removed(&file) => Ok(()),
    }
}

/// Completes when the state directory is removed, for example with the checkout. No command could end this process then.
async fn removed(file: &Path) {
    while file.exists() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn forward(kubectl: &Kubectl, service: &str, ports: &str) -> Result<()> {
    loop {
        let command = kubectl.command(&["port-forward", "--address=127.0.0.1", service, ports]);
        // `start` connects standard output to the log.
        match Program::start(command, |line| anstream::println!("{line}")) {
            Ok(mut program) => drop(program.wait().await),
            Err(error) => anstream::println!("{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// A forward in the background.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Running {
    process: u32,
    pub port: u16,
}

impl Running {
    /// The address as the user has to type it, outside of the box too.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", boxes::outer_port(self.port).unwrap_or(self.port))
    }
}

fn lock_file(workspace: &Workspace, kubectl: &Kubectl, service: &Service) -> Result<PathBuf> {
    workspace.state(&format!("{}/forward-{}", kubectl.directory(), service.component))
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

/// The forward that runs for this namespace.
pub fn running(workspace: &Workspace, kubectl: &Kubectl, service: &Service) -> Result<Option<Running>> {
    let path = lock_file(workspace, kubectl, service)?;
    if open(&path)?.try_lock().is_ok() {
        return Ok(None);
    }
    // The file is empty for a moment while the forward starts.
    Ok(serde_json::from_slice(&std::fs::read(&path)?).ok())
}

/// Ends the forward, if one runs, and waits until its port is free.
pub async fn stop(workspace: &Workspace, kubectl: &Kubectl, service: &Service) -> Result<Option<Running>> {
    let Some(found) = running(workspace, kubectl, service)? else { return Ok(None) };
    let _ = kill(Pid::from_raw(found.process.try_into()?), Signal::SIGTERM);
    let end = Instant::now() + LIMIT;
    while running(workspace, kubectl, service)?.is_some() {
        ensure!(Instant::now() < end, "the port-forward, process {}, does not end within {LIMIT:?}", found.process);
        tokio::time::sleep(POLL).await;
    }
    Ok(Some(found))
}

/// Starts a forward on `port`, else on the port of the last one, else on the first free one, and waits until the
/// component answers through it.
pub async fn start(workspace: &Workspace, kubectl: &Kubectl, service: &Service, port: Option<u16>) -> Result<Running> {
    let last = stop(workspace, kubectl, service).await?.map(|last| last.port);
    let port = match port {
        Some(port) => {
            ensure!(is_free(port), "port {port} is in use: choose another with --port");
            port
        }
        None => last.filter(|&port| is_free(port)).map_or_else(|| free_port(service), Ok)?,
    };
    let log_path = lock_file(workspace, kubectl, service)?.with_extension("log");
    let log = File::create(&log_path)?;
    let mut command = StdCommand::new(std::env::current_exe()?);
    command
        .arg("forward")
        .args(["--context", &kubectl.context, "--namespace", &kubectl.namespace])
        .args(["--component", service.component, "--port", &port.to_string()])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut child = command.spawn().context("cannot start the port-forward")?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let url = format!("http://127.0.0.1:{port}{}", service.health);
    let end = Instant::now() + LIMIT;
    loop {
        if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(Running { process: child.id(), port });
        }
        let log = || std::fs::read_to_string(&log_path).unwrap_or_default();
        if let Some(status) = child.try_wait()? {
            bail!("the port-forward ended ({status}):\n{}", log().trim());
        }
        if Instant::now() > end {
            bail!(
                "the {} does not answer at {url} within {LIMIT:?}; its port-forward says:\n{}",
                service.component,
                log().trim()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn free_port(service: &Service) -> Result<u16> {
    let last = service.first + 99;
    (service.first..=last)
        .find(|&port| is_free(port))
        .with_context(|| format!("no port from {} to {last} is free: end a program that has one", service.first))
}
