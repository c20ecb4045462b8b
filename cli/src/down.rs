//! `cargo todo down`: removes the release, and its data only if the user asks for that.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Result, bail};
use clap::Args;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};

use crate::{
    aiops, boxes,
    cluster::Target,
    deploy::known_good,
    forward,
    helm::{Helm, RELEASE},
    kubernetes::{KubeClient, KubeContext},
    output::note,
    workspace::Workspace,
};

/// Remove the release; its data stays, unless --purge
#[derive(Args, Clone, Debug)]
pub struct Down {
    #[command(flatten)]
    target: Target,
    /// Remove the data too: volumes, the Secret with its keys, and the namespace if `deploy` made it
    #[arg(long)]
    purge: bool,
    /// Do not ask before data is removed
    #[arg(long, requires = "purge")]
    yes: bool,
}

pub async fn run(options: Down) -> Result<()> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_if_running(&workspace, &options.target)?;
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    // This is checked before anything is removed.
    if options.purge && !options.yes && !std::io::stdin().is_terminal() {
        bail!("--purge removes data and there is no terminal to ask: add --yes if it is meant");
    }
    cluster.ensure_running().await?;
    let kube = context.connect().await?;
    let helm = Helm::new(&context);
    let (release, data, owns_namespace) = tokio::try_join!(helm.release(), Data::find(&kube), kube.owns_namespace())?;
    let shown = data.shown();
    if options.purge && !options.yes && !confirm(&context, shown.as_deref(), owns_namespace)? {
        bail!("nothing was removed");
    }

    for service in forward::SERVICES {
        if let Some(stopped) = forward::stop(&workspace, &context, service).await? {
            note(&format!("{} is no longer forwarded", stopped.url()));
        }
    }
    match release {
        Some(_) => {
            helm.uninstall().await?;
            known_good::clear(&workspace, &context)?;
            note(&format!("removed the release {RELEASE} from namespace {}", context.namespace));
        }
        None => note(&format!("there is no release {RELEASE} in namespace {}", context.namespace)),
    }
    aiops::remove_kubeconfig(&workspace, &context)?;
    if aiops::revoke(&kube).await? {
        note("removed the rights of assistants, by `cargo todo ai-kubeconfig` or `ask`");
    }
    if !options.purge {
        if let Some(data) = shown {
            note(&format!("kept: {data}; the next `cargo todo deploy` finds it again"));
            note("`cargo todo down --purge` removes it");
        }
        return Ok(());
    }
    if let Some(names) = shown {
        data.delete(&kube).await?;
        note(&format!("removed {names}"));
    }
    if owns_namespace {
        kube.delete_namespace().await?;
        note(&format!("removed the namespace {}", context.namespace));
    }
    Ok(())
}

/// The objects that are kept when the release is removed.
struct Data {
    claims: Vec<String>,
    secrets: Vec<String>,
}

impl Data {
    async fn find(kube: &KubeClient) -> Result<Self> {
        let of_release = format!("app.kubernetes.io/instance={RELEASE}");
        let (claims, secrets) =
            tokio::try_join!(kube.names::<PersistentVolumeClaim>(&of_release), kube.names::<Secret>(&of_release))?;
        Ok(Self { claims, secrets })
    }

    /// Each as `kind/name`, or `None` if there are none.
    fn shown(&self) -> Option<String> {
        let claims = self.claims.iter().map(|name| format!("persistentvolumeclaim/{name}"));
        let names: Vec<_> = claims.chain(self.secrets.iter().map(|name| format!("secret/{name}"))).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    async fn delete(&self, kube: &KubeClient) -> Result<()> {
        for name in &self.claims {
            kube.delete::<PersistentVolumeClaim>(name).await?;
        }
        for name in &self.secrets {
            kube.delete::<Secret>(name).await?;
        }
        Ok(())
    }
}

fn confirm(context: &KubeContext, data: Option<&str>, owns_namespace: bool) -> Result<bool> {
    let namespace = if owns_namespace { format!(", namespace {}", context.namespace) } else { String::new() };
    let data = data.unwrap_or("no data");
    anstream::print!("remove for good: {data}{namespace} (context {})? [y/N] ", context.name);
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
