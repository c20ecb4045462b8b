//! One run of the tests.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::Namespace,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::{
    cluster::Cluster,
    node::Node,
    program,
    release::{Images, NAME, Release, root},
    report::Report,
    wait::wait_until,
};

/// Label of everything a run makes, with the run's id.
const LABEL: &str = "todo-e2e";

/// Two replicas of each, so that one can be replaced while the other serves.
pub const BASELINE: &[&str] = &["backend.replicas=2", "frontend.replicas=2"];

/// Why a test cannot run on this cluster.
#[derive(Debug)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

pub struct Suite {
    pub cluster: Arc<Cluster>,
    pub report: Report,
    run: String,
    namespaces: Mutex<Vec<String>>,
    images: OnceCell<Images>,
    shared: OnceCell<Release>,
    node: OnceCell<Node>,
}

impl Suite {
    pub async fn new() -> Result<Self> {
        let run = uuid::Uuid::new_v4().simple().to_string()[..6].to_owned();
        Ok(Self {
            cluster: Arc::new(Cluster::connect().await?),
            report: Report::default(),
            run,
            namespaces: Mutex::default(),
            images: OnceCell::new(),
            shared: OnceCell::new(),
            node: OnceCell::new(),
        })
    }

    /// A namespace of this run, where Pod Security is enforced at `level`.
    pub async fn namespace(&self, purpose: &str, level: &str) -> Result<String> {
        let name = format!("e2e-{}-{purpose}", self.run);
        let namespace = serde_json::from_value(json!({
            "metadata": {
                "name": name,
                "labels": { LABEL: self.run, "pod-security.kubernetes.io/enforce": level },
            },
        }))?;
        Api::<Namespace>::all(self.cluster.client()).create(&PostParams::default(), &namespace).await?;
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        Ok(name)
    }

    /// Removes a namespace that no test needs any more, without waiting for it.
    pub async fn remove(&self, namespace: &str) -> Result<()> {
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).retain(|kept| kept != namespace);
        let namespaces = Api::<Namespace>::all(self.cluster.client());
        namespaces.delete(namespace, &DeleteParams::default()).await?;
        Ok(())
    }

    /// A release that is not installed yet, in a namespace of its own.
    pub async fn release(&self, purpose: &str) -> Result<Release> {
        let images = self.images().await?.clone();
        Ok(Release::new(Arc::clone(&self.cluster), self.namespace(purpose, "restricted").await?, images))
    }

    /// The images under test: those `TODO_E2E_IMAGES` names, `BACKEND,FRONTEND`, else those of this tree.
    pub async fn images(&self) -> Result<&Images> {
        self.images
            .get_or_try_init(async || match std::env::var("TODO_E2E_IMAGES") {
                Ok(images) => {
                    let (backend, frontend) = images.split_once(',').context("TODO_E2E_IMAGES names no two images")?;
                    Ok(Images { backend: backend.into(), frontend: frontend.into() })
                }
                Err(_) => self.deployed_images().await,
            })
            .await
    }

    /// Runs `cargo todo deploy`, which builds the images and loads them into the cluster.
    async fn deployed_images(&self) -> Result<Images> {
        let namespace = self.namespace("images", "restricted").await?;
        let mut deploy = self.todo();
        deploy.args(["deploy", "--no-forward", "--context", &self.cluster.context, "--namespace", &namespace]);
        program::stdout(deploy).await?;
        let deployments: Api<Deployment> = Api::namespaced(self.cluster.client(), &namespace);
        let image = async |component: &str| {
            let deployment = deployments.get(&format!("{NAME}-{component}")).await?;
            let pod = deployment.spec.and_then(|spec| spec.template.spec).context("a Deployment has a pod")?;
            pod.containers[0].image.clone().context("a container has an image")
        };
        let images = Images { backend: image("backend").await?, frontend: image("frontend").await? };
        self.remove(&namespace).await?;
        Ok(images)
    }

    /// The release that most tests share, at these values.
    pub async fn shared_release(&self, values: &[&str]) -> Result<&Release> {
        let shared = self.shared.get_or_try_init(async || self.release("shared").await).await?;
        shared.ensure_values(values).await?;
        Ok(shared)
    }

    /// To be called after a failure: the next test upgrades the shared release, whatever was done to it.
    pub fn reset(&self) {
        if let Some(shared) = self.shared.get() {
            shared.invalidate();
        }
    }

    /// Root access to the node where the pods of the shared release are.
    pub async fn node(&self) -> Result<&Node> {
        self.node
            .get_or_try_init(async || {
                let shared = self.shared_release(BASELINE).await?;
                let database: StatefulSet = shared.api().get(&format!("{NAME}-postgres")).await?;
                let pod = database.spec.and_then(|spec| spec.template.spec).context("the StatefulSet has a pod")?;
                let image = pod.containers[0].image.as_deref().context("the database has an image")?;
                let namespace = self.namespace("node", "privileged").await?;
                Node::new(Arc::clone(&self.cluster), namespace, image, &shared.pod("postgres").await?).await
            })
            .await
    }

    /// Waits until a node that was stopped is ready again.
    pub async fn wait_until_node_ready(&self) -> Result<()> {
        match self.node.get() {
            Some(node) => node.wait_until_ready().await,
            None => Ok(()),
        }
    }

    /// Prints what may explain a failure: pods, events and the last lines of the logs.
    pub async fn print_diagnostics(&self) {
        let namespaces = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for namespace in namespaces {
            let kubectl = |arguments: &[&str]| {
                let mut kubectl = self.cluster.kubectl(["--namespace", &namespace]);
                kubectl.args(arguments);
                kubectl
            };
            let show = async |arguments: &[&str]| {
                let finished = program::run(kubectl(arguments)).await;
                let text = finished.map_or_else(|error| format!("{error:#}"), |finished| finished.combined());
                let lines: Vec<_> = text.lines().collect();
                println!("{}", lines[lines.len().saturating_sub(40)..].join("\n"));
            };
            println!("--- namespace {namespace}");
            show(&["get", "pods", "--output", "wide"]).await;
            show(&["get", "events", "--sort-by=.lastTimestamp"]).await;
            for component in ["backend", "frontend", "postgres", "prometheus", "test"] {
                println!("--- logs of {component} in {namespace}");
                let selector = format!("app.kubernetes.io/component={component}");
                show(&["logs", "--selector", &selector, "--all-containers", "--prefix", "--tail=15"]).await;
            }
        }
    }

    /// Removes everything the run has made.
    pub async fn remove_all(&self) -> Result<()> {
        let namespaces = Api::<Namespace>::all(self.cluster.client());
        for namespace in namespaces.list(&self.of_this_run()).await? {
            namespaces.delete(&namespace.name_any(), &DeleteParams::default()).await?;
        }
        Ok(())
    }

    /// Waits until the removed namespaces are gone.
    pub async fn wait_until_removed(&self) -> Result<()> {
        let namespaces = Api::<Namespace>::all(self.cluster.client());
        wait_until("the namespaces of the tests are gone", Duration::from_mins(2), async || {
            let left = namespaces.list(&self.of_this_run()).await?.items.len();
            ensure!(left == 0, "{left} are left");
            Ok(())
        })
        .await
    }

    fn of_this_run(&self) -> ListParams {
        ListParams::default().labels(&format!("{LABEL}={}", self.run))
    }

    /// The `todo` program of this checkout.
    pub fn todo(&self) -> tokio::process::Command {
        let mut todo = match std::env::var_os("TODO_E2E_PROGRAM") {
            Some(program) => tokio::process::Command::new(program),
            None => program::command("cargo", ["todo"]),
        };
        todo.current_dir(root());
        todo
    }
}
