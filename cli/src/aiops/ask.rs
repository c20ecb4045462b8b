//! `cargo todo ask`: a question to `kubectl-ai`, which may look and change nothing.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;
use tokio::process::Command;

use super::access::{self, Lifetime};
use crate::{
    boxes,
    cluster::Target,
    process::{self, Program},
    secret, tool,
    workspace::Workspace,
};

/// What the model has to know of the application.
const PROMPT: &str = include_str!("prompt.md");
/// The backend has the same default.
const MODEL: &str = "gpt-5-mini";
/// The name by which `kubectl-ai` means any server with the API of `OpenAI`.
const OPENAI: &str = "openai";

/// Ask about the application in the cluster, with kubectl-ai; it looks, and changes nothing
#[derive(Args, Clone, Debug)]
pub struct Ask {
    /// In plain words, such as "why is the backend pod crashing?"
    question: String,
    #[command(flatten)]
    target: Target,
    /// Name of the model; for openai it is `OPENAI_MODEL`, else gpt-5-mini, unless given
    #[arg(long)]
    model: Option<String>,
    /// Who serves it, as kubectl-ai calls it; openai is every server with that API, at `OPENAI_BASE_URL`
    #[arg(long, default_value = OPENAI)]
    provider: String,
}

/// Returns the exit code of `kubectl-ai`.
pub async fn run(options: Ask) -> Result<ExitCode> {
    let workspace = Workspace::find_or_state()?;
    boxes::enter_if_running(&workspace, &options.target)?;
    if tool::on_path("kubectl-ai").is_none() {
        bail!(
            "kubectl-ai is not installed: `nix develop` has it, as has `nix run .#ask`; \
             else `kubectl krew install ai` (docs/aiops.md)"
        );
    }
    if tool::on_path("kubectl").is_none() {
        bail!("kubectl is not installed, which kubectl-ai runs: `cargo todo doctor` says how to get it");
    }
    let model = Model::choose(&options, environment_variable)?;
    let cluster = options.target.cluster();
    let context = options.target.kube_context(&cluster)?;
    cluster.ensure_running().await?;
    let config = access::grant(&context.connect().await?, Lifetime::AN_HOUR).await?;

    // Nobody else can read the directory, and it is removed at the end: the trace has the model's key in it.
    let private = tempfile::tempdir()?;
    secret::write(&private.path().join("kubeconfig"), &config.text)?;
    std::fs::write(private.path().join("prompt.md"), PROMPT)?;
    let command = kubectl_ai_command(&private, &model, &options.question)?;
    let status = tokio::select! {
        status = Program::status(command) => status?,
        interrupt = process::interrupted() => return interrupt.map(|()| ExitCode::FAILURE),
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The value of a variable that is set and not empty.
fn environment_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[derive(Debug)]
struct Model {
    provider: String,
    name: String,
    /// The variables that `kubectl-ai` reads. They replace those of the same meaning that the backend reads.
    environment: Vec<(&'static str, String)>,
}

impl Model {
    fn choose(options: &Ask, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let provider = options.provider.clone();
        if provider != OPENAI {
            let name = options.model.clone();
            let name = name.with_context(|| format!("--provider {provider} needs --model, the name of a model"))?;
            return Ok(Self { provider, name, environment: Vec::new() });
        }
        let name = options.model.clone().or_else(|| variable("OPENAI_MODEL")).unwrap_or_else(|| MODEL.into());
        let url = variable("OPENAI_BASE_URL");
        let key = match (variable("OPENAI_API_KEY"), &url) {
            (Some(key), _) => key,
            // kubectl-ai insists on one, also for a server that asks for none.
            (None, Some(_)) => "none".into(),
            (None, None) => bail!(
                "there is no model to ask: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server that needs no key, \
                 or choose another by --provider and --model (docs/aiops.md)"
            ),
        };
        let mut environment = vec![("OPENAI_API_KEY", key)];
        environment.extend(url.map(|url| ("OPENAI_ENDPOINT", url)));
        Ok(Self { provider, name, environment })
    }
}

fn kubectl_ai_command(private: &TempDir, model: &Model, question: &str) -> Result<Command> {
    let path = |name: &str| private.path().join(name);
    let directory = |name: &str| {
        let path = path(name);
        std::fs::create_dir(&path)?;
        anyhow::Ok(path)
    };
    let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let mut command = tool::command("kubectl-ai", ["--quiet", "--skip-permissions=false", "--remove-workdir"]);
    command
        .args(["--llm-provider", &model.provider, "--model", &model.name])
        .arg(option("kubeconfig", &path("kubeconfig")))
        .arg(option("extra-prompt-paths", &path("prompt.md")))
        .arg(option("trace-path", &path("trace")))
        // A question may begin with a dash.
        .args(["--", question])
        .envs(model.environment.iter().map(|(name, value)| (*name, value)))
        // In the home directory are the user's settings, tools and kubeconfig, which may allow more than looking.
        .env("HOME", directory("home")?)
        .env_remove("XDG_CONFIG_HOME")
        .env("KUBECONFIG", path("kubeconfig"))
        // It writes its log there.
        .env("TMPDIR", directory("tmp")?)
        // Without this it writes lines of 80 columns, however wide the terminal is.
        .env("KUBECTL_AI_TERM_WIDTH", environment_variable("KUBECTL_AI_TERM_WIDTH").unwrap_or_else(|| "auto".into()));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(provider: &str, model: Option<&str>, variables: &[(&str, &str)]) -> Result<Model> {
        let options = Ask {
            question: "why?".into(),
            target: Target {
                cluster: "minikube".parse().unwrap(),
                context: None,
                namespace: "todo".into(),
                in_box: false,
            },
            model: model.map(str::to_owned),
            provider: provider.into(),
        };
        Model::choose(&options, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_model_is_the_backends() {
        let model = choose("openai", None, &[("OPENAI_API_KEY", "k")]).unwrap();
        assert_eq!((model.name.as_str(), model.environment), ("gpt-5-mini", vec![("OPENAI_API_KEY", "k".to_owned())]));
        let server = [("OPENAI_BASE_URL", "http://localhost:11434/v1"), ("OPENAI_MODEL", "qwen3")];
        let model = choose("openai", None, &server).unwrap();
        assert_eq!(model.name, "qwen3");
        assert!(model.environment.contains(&("OPENAI_ENDPOINT", "http://localhost:11434/v1".into())));
        assert!(model.environment.contains(&("OPENAI_API_KEY", "none".into())));
        assert_eq!(choose("openai", Some("other"), &server).unwrap().name, "other");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = choose("openai", None, &[]).unwrap_err().to_string();
        assert!(error.contains("OPENAI_API_KEY") && error.contains("--provider"), "{error}");
        // The variable names a model of OpenAI's API, so it is not used for another provider.
        let error = choose("gemini", None, &[("OPENAI_MODEL", "gpt-5-mini")]).unwrap_err().to_string();
        assert!(error.contains("--provider gemini needs --model"), "{error}");
        assert_eq!(choose("gemini", Some("gemini-2.5-pro"), &[]).unwrap().provider, "gemini");
    }

    #[test]
    fn the_prompt_is_no_template() {
        // kubectl-ai reads it as one of Go's.
        assert!(!PROMPT.contains("{{"), "{PROMPT}");
    }
}
