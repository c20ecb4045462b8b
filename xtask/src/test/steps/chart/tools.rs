//! Programs that check the chart. An installed program is used if it has the required version. Else it is built with Go
//! from the module that pins it, once per user.

use std::{
    io::Error,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use todo::{
    digest,
    tool::{self, on_path},
    workspace,
};
use tokio::process::Command;

use crate::test::{context::StepRun, tools::Found};

/// A program that a Go module of this repository pins, and the installed program that may be used instead.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    name: &'static str,
    module: &'static str,
    package: &'static str,
    /// The name, the arguments that print the version, and the prefix of the output for the required version.
    installed: Option<(&'static str, &'static [&'static str], &'static str)>,
}

pub const HELM_3: Tool = Tool {
    name: "helm3",
    module: "helm/tools/helm3",
    package: "helm.sh/helm/v3/cmd/helm",
    installed: Some(("helm", &["version", "--short"], "v3.")),
};
pub const HELM_4: Tool = Tool {
    name: "helm4",
    module: "helm/tools/helm",
    package: "helm.sh/helm/v4/cmd/helm",
    installed: Some(("helm", &["version", "--short"], "v4.")),
};
pub const HELM_UNITTEST: Tool = Tool {
    name: "helm-unittest",
    module: "helm/tools/helm",
    package: "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
    installed: None,
};
pub const HELM_DOCS: Tool = Tool {
    name: "helm-docs",
    module: "helm/tools/helm-docs",
    package: "github.com/norwoodj/helm-docs/cmd/helm-docs",
    installed: Some(("helm-docs", &["--version"], "helm-docs version 1.14.")),
};
pub const KUBECONFORM: Tool = Tool {
    name: "kubeconform",
    module: "helm/tools/kubeconform",
    package: "github.com/yannh/kubeconform/cmd/kubeconform",
    installed: Some(("kubeconform", &["-v"], "v0.8.")),
};
pub const KUBE_SCORE: Tool = Tool {
    name: "kube-score",
    module: "helm/tools/kube-score",
    package: "github.com/zegl/kube-score/cmd/kube-score",
    installed: Some(("kube-score", &["version"], "kube-score version: 1.20.")),
};
/// A program of this repository that uses Kubernetes's libraries.
pub const MANIFESTS: Tool = Tool { name: "manifests", module: GATEWAY_API, package: ".", installed: None };

/// The module that pins Kubernetes itself.
pub const KUBERNETES: &str = "helm/tools/kubernetes";
/// The module that pins the Gateway API.
pub const GATEWAY_API: &str = "helm/tools/manifests";
/// The module that pins the operator of Prometheus.
pub const PROMETHEUS_OPERATOR: &str = "helm/tools/prometheus-operator";

impl Tool {
    pub async fn find(self, run: &StepRun<'_>) -> Result<Found> {
        if let Some((name, arguments, wanted)) = self.installed
            && let Some(program) = on_path(name)
        {
            let mut version = Command::new(&program);
            version.args(arguments);
            if run.output(version).await?.output.starts_with(wanted) {
                return Ok(Ok(program));
            }
        }
        self.build(run).await
    }

    async fn build(self, run: &StepRun<'_>) -> Result<Found> {
        let module = run.workspace().path(self.module);
        let program =
            workspace::cache_dir()?.join("helm-tools").join(format!("{}-{}", self.name, module_hash(&module)?));
        if program.is_file() {
            return Ok(Ok(program));
        }
        let Some(go) = on_path("go") else {
            return Ok(Err(format!(
                "go is not installed, and {} is built with it: https://go.dev/doc/install",
                self.name
            )));
        };
        run.report(&format!("building {}, once", self.name));
        let mut build = Command::new(go);
        build.arg("build").arg("-C").arg(&module).args(["-trimpath", "-ldflags=-s -w", "-o"]).arg(&program);
        build.arg(self.package);
        run.check_output(build).await?;
        Ok(Ok(program))
    }
}

/// The hash of the files in the directory of a module, which pin the versions of a program.
fn module_hash(module: &Path) -> Result<String> {
    let read = || {
        let mut files: Vec<_> =
            std::fs::read_dir(module)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Error>>()?;
        files.sort();
        let mut bytes = Vec::new();
        for file in files.into_iter().filter(|file| file.is_file()) {
            bytes.extend(std::fs::read(file)?);
        }
        Ok::<_, Error>(digest::sha256(&bytes)[..12].to_owned())
    };
    read().with_context(|| format!("cannot read {}", module.display()))
}

/// Downloads a Go module. Returns the directory of its files and the version that the `go.mod` in `directory` pins.
pub async fn go_module(run: &StepRun<'_>, directory: &str, name: &str) -> Result<(PathBuf, String)> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", name]).current_dir(run.workspace().path(directory));
    let module: Value = tool::json(go).await?;
    match (module["Dir"].as_str(), module["Version"].as_str()) {
        (Some(files), Some(version)) => Ok((files.into(), version.to_owned())),
        _ => bail!("{name} could not be downloaded: {}", module["Error"]),
    }
}
