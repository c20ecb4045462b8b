//! A Service on a port of this machine, by a process in the background that outlives the command which starts it.

use std::{
    fs::{File, OpenOptions},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use k8s_openapi::{
    api::core::v1::{self as api, Pod},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::{
    ResourceExt,
    api::{ListParams, Portforwarder},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, setsid},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use crate::{
    boxes,
    helm::RELEASE,
    kubernetes::{KubeClient, KubeContext},
    process,
    rollout::pod,
    workspace::Workspace,
};

/// A Service of the release that can be forwarded.
#[derive(Debug, PartialEq, Eq)]
pub struct ForwardedService {
    component: &'static str,
    /// The port of the Service in the cluster.
    port: u16,
    /// The first port of this machine to try; the next ones follow while a port is taken.
    first_port: u16,
    health_path: &'static str,
}

pub const FRONTEND: ForwardedService =
    ForwardedService { component: "frontend", port: 3000, first_port: 3000, health_path: "/api/health" };
pub const PROMETHEUS: ForwardedService =
    ForwardedService { component: "prometheus", port: 9090, first_port: 9190, health_path: "/-/ready" };
pub const GRAFANA: ForwardedService =
    ForwardedService { component: "grafana", port: 3000, first_port: 3100, health_path: "/api/health" };
pub const SERVICES: [&ForwardedService; 3] = [&FRONTEND, &PROMETHEUS, &GRAFANA];

const POLL: Duration = Duration::from_millis(50);
/// How long a forward may take to start, or to end.
const TIMEOUT: Duration = Duration::from_secs(20);

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
    let context = KubeContext { name: options.context, namespace: options.namespace };
    let service = SERVICES.into_iter().find(|service| service.component == options.component);
    let service = service.with_context(|| format!("there is no component {}", options.component))?;
    let file = lock_file(&workspace, &context, service)?;
    let lock = open(&file)?;
    // The content of the file is valid for as long as this process holds the lock.
    lock.try_lock().context("a forward for this namespace runs already")?;
    std::fs::write(&file, serde_json::to_vec(&RunningForward { process: std::process::id(), port: options.port })?)?;
    let address = (Ipv4Addr::LOCALHOST, options.port);
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on port {}", options.port))?;
    let forwarder = Arc::new(Forwarder { context, service, client: Mutex::default() });
    tokio::select! {
        outcome = process::interrupted() => outcome,
        never = forwarder.accept(listener) => never,
        () = wait_until_removed(&file) => Ok(()),
    }
}

/// Completes when the state directory is removed, for example with the checkout. No command could end this process
/// then.
async fn wait_until_removed(file: &Path) {
    while file.exists() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Forwards each connection to a pod that is ready when it is made, so that new ones work as soon as a pod is replaced.
struct Forwarder {
    context: KubeContext,
    service: &'static ForwardedService,
    client: Mutex<Option<KubeClient>>,
}

impl Forwarder {
    async fn accept(self: Arc<Self>, listener: TcpListener) -> Result<()> {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    let forwarder = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(error) = forwarder.forward(connection).await {
                            // `start` connects standard output to the log.
                            anstream::println!("{error:#}");
                        }
                    });
                }
                // Such as too many open files, which a moment may change.
                Err(error) => {
                    anstream::println!("{error}");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    async fn forward(&self, mut connection: TcpStream) -> Result<()> {
        let (mut forwarder, port) = self.open().await?;
        let mut stream = forwarder.take_stream(port).context("the port is forwarded")?;
        let failure = forwarder.take_error(port).context("the port is forwarded")?;
        let outcome = tokio::select! {
            // Either side may break off a connection.
            _ = copy_bidirectional(&mut connection, &mut stream) => Ok(()),
            Some(failure) = failure => Err(anyhow!("port {port} of the pod: {failure}")),
        };
        forwarder.abort();
        outcome
    }

    /// Opens a connection to a ready pod, and returns the number of its port.
    async fn open(&self) -> Result<(Portforwarder, u16)> {
        let known = self.client.lock().await.clone();
        if let Some(kube) = known
            && let Ok(opened) = self.open_by(&kube).await
        {
            return Ok(opened);
        }
        // Minikube has another port after it was stopped and started, and credentials expire: the kubeconfig is read
        // again.
        let kube = self.context.connect().await?;
        let opened = self.open_by(&kube).await?;
        *self.client.lock().await = Some(kube);
        Ok(opened)
    }

    async fn open_by(&self, kube: &KubeClient) -> Result<(Portforwarder, u16)> {
        let (pod, port) = self.ready_pod(kube).await?;
        let forwarder = kube.request(kube.api::<Pod>().portforward(&pod, &[port])).await?;
        Ok((forwarder, port))
    }

    /// The name of a pod of the Service, and the port to which the Service leads.
    async fn ready_pod(&self, kube: &KubeClient) -> Result<(String, u16)> {
        let name = format!("{RELEASE}-{}", self.service.component);
        let service = kube.get::<api::Service>(&name).await?.spec.unwrap_or_default();
        let selector = service.selector.unwrap_or_default();
        let labels: Vec<_> = selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let pods = kube.list::<Pod>(&ListParams::default().labels(&labels.join(","))).await?;
        let ready = pods.into_iter().filter(|it| pod::is_ready(it) && !pod::is_terminating(it));
        // During a rollout the oldest are the next to go.
        let pod = ready.max_by_key(|pod| pod.metadata.creation_timestamp.clone());
        let pod = pod.with_context(|| format!("no pod of {name} is ready"))?;
        let port = service.ports.iter().flatten().find(|port| port.port == i32::from(self.service.port));
        let port = port.and_then(|port| target_port(port, &pod));
        let port = port.with_context(|| format!("{name} has no port {}", self.service.port))?;
        Ok((pod.name_any(), port))
    }
}

/// The pod's port to which a port of a Service leads, which may give only the name of it.
fn target_port(port: &api::ServicePort, pod: &Pod) -> Option<u16> {
    let number = match &port.target_port {
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let containers = &pod.spec.as_ref()?.containers;
            let mut ports = containers.iter().filter_map(|container| container.ports.as_ref()).flatten();
            ports.find(|port| port.name.as_ref() == Some(name))?.container_port
        }
        None => port.port,
    };
    number.try_into().ok()
}

/// A forward in the background.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct RunningForward {
    process: u32,
    pub port: u16,
}

impl RunningForward {
    /// The address as the user has to type it, outside of the box too.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", boxes::outer_port(self.port).unwrap_or(self.port))
    }
}

fn lock_file(workspace: &Workspace, context: &KubeContext, service: &ForwardedService) -> Result<PathBuf> {
    workspace.state(&format!("{}/forward-{}", context.directory(), service.component))
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

/// The forward that runs for this namespace.
pub fn running(
    workspace: &Workspace,
    context: &KubeContext,
    service: &ForwardedService,
) -> Result<Option<RunningForward>> {
    let path = lock_file(workspace, context, service)?;
    if open(&path)?.try_lock().is_ok() {
        return Ok(None);
    }
    // The file is empty for a moment while the forward starts.
    Ok(serde_json::from_slice(&std::fs::read(&path)?).ok())
}

/// Ends the forward, if one runs, and waits until its port is free.
pub async fn stop(
    workspace: &Workspace,
    context: &KubeContext,
    service: &ForwardedService,
) -> Result<Option<RunningForward>> {
    let Some(found) = running(workspace, context, service)? else { return Ok(None) };
    let _ = kill(Pid::from_raw(found.process.try_into()?), Signal::SIGTERM);
    let end = Instant::now() + TIMEOUT;
    while running(workspace, context, service)?.is_some() {
        ensure!(Instant::now() < end, "the port-forward, process {}, does not end within {TIMEOUT:?}", found.process);
        tokio::time::sleep(POLL).await;
    }
    Ok(Some(found))
}

/// Starts a forward on `port`, else on the port of the last one, else on the first free one, and waits until the
/// component answers through it.
pub async fn start(
    workspace: &Workspace,
    context: &KubeContext,
    service: &ForwardedService,
    port: Option<u16>,
) -> Result<RunningForward> {
    let last = stop(workspace, context, service).await?.map(|last| last.port);
    let port = match port {
        Some(port) => {
            ensure!(is_free(port), "port {port} is in use: choose another with --port");
            port
        }
        None => last.filter(|&port| is_free(port)).map_or_else(|| free_port(service), Ok)?,
    };
    let log_path = lock_file(workspace, context, service)?.with_extension("log");
    let log = File::create(&log_path)?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("forward")
        .args(["--context", &context.name, "--namespace", &context.namespace])
        .args(["--component", service.component, "--port", &port.to_string()])
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut child = command.spawn().context("cannot start the port-forward")?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let url = format!("http://127.0.0.1:{port}{}", service.health_path);
    let end = Instant::now() + TIMEOUT;
    loop {
        if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(RunningForward { process: child.id(), port });
        }
        let log = || std::fs::read_to_string(&log_path).unwrap_or_default();
        if let Some(status) = child.try_wait()? {
            bail!("the port-forward ended ({status}):\n{}", log().trim());
        }
        if Instant::now() > end {
            bail!(
                "the {} does not answer at {url} within {TIMEOUT:?}; its port-forward says:\n{}",
                service.component,
                log().trim()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free_port(service: &ForwardedService) -> Result<u16> {
    let last = service.first_port + 99;
    (service.first_port..=last)
        .find(|&port| is_free(port))
        .with_context(|| format!("no port from {} to {last} is free: end a program that has one", service.first_port))
}
