//! Steps that need the backend, the frontend or both.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use todo::{
    node,
    process::Program,
    secret,
    stack::{self, Backend, Frontend, Running},
};
use tokio::process::Command;

use crate::{
    prepare,
    test::{
        context::{Outcome, StepRun},
        tools,
    },
};

pub async fn api_types(run: &StepRun<'_>) -> Result<Outcome> {
    run.context.packages().await?;
    let scratch = tempfile::tempdir()?;
    let document = scratch.path().join("openapi.json");
    prepare::write_openapi(&run.binaries().await?.backend(), &document).await?;
    run.check_output(prepare::generate_api_types(run.workspace(), &document, scratch.path())?).await?;
    let fresh = std::fs::read_to_string(scratch.path().join(prepare::API_TYPES))?;
    let committed = std::fs::read_to_string(run.workspace().path("frontend").join(prepare::API_TYPES))?;
    ensure!(fresh == committed, "frontend/{} is stale: run `cargo xtask prepare` and commit it", prepare::API_TYPES);
    Ok(Outcome::passed())
}

/// A host, other than this machine, that MCP clients may send in the header `Host`.
const FOREIGN_HOST: &str = "todo-backend.todo.svc";

/// The origin of a page that is a client. Chromium takes names below `localhost` for secure, as it takes HTTPS.
const MCP_PAGE_ORIGIN: &str = "http://page.localhost";

/// The configuration of a backend on free ports with its own empty database.
pub async fn backend_config(run: &StepRun<'_>, database: &str, model_url: Option<String>) -> Result<Backend> {
    Ok(Backend {
        binary: run.binaries().await?.backend(),
        database_url: run.context.databases().await?.empty(database).await?,
        secret_key: secret::generate()?,
        port: 0,
        metrics_port: 0,
        model_url,
        mcp_host: Some(FOREIGN_HOST),
    })
}

/// Starts a backend on free ports, and returns it with the URL of its database.
pub async fn start_backend(run: &StepRun<'_>, database: &str, model_url: Option<String>) -> Result<(Running, String)> {
    let backend = backend_config(run, database, model_url).await?;
    Ok((backend.start(run.server_sink("backend")?).await?, backend.database_url))
}

/// Starts the production build of the frontend in front of a backend, on free ports.
pub async fn start_frontend(run: &StepRun<'_>, backend: &Running) -> Result<Running> {
    let frontend = Frontend {
        release: true,
        backend_url: backend.url.clone(),
        host: "127.0.0.1".into(),
        port: 0,
        metrics_port: 0,
    };
    frontend.start(run.workspace(), run.server_sink("frontend")?).await
}

pub async fn schemathesis(run: &StepRun<'_>) -> Result<Outcome> {
    let python = match tools::python(run, "schemathesis", "backend/tests/schemathesis/requirements.txt").await? {
        Ok(python) => python,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let model = stack::start_model(&run.binaries().await?.model(), run.server_sink("model")?).await?;
    let (backend, _) = start_backend(run, "todo_schemathesis", Some(model.url.clone())).await?;
    let mut script = Command::new(run.workspace().path("backend/tests/schemathesis/run"));
    script.env("BASE_URL", &backend.url).env("PYTHON", python).current_dir(run.workspace().root());
    script.env("REPORTS", run.reports());
    let outcome = run.run_tests(script).await;
    backend.program.stop().await;
    model.program.stop().await;
    outcome
}

pub async fn mcp(run: &StepRun<'_>) -> Result<Outcome> {
    let python = match tools::python(run, "mcp", "backend/tests/mcp/requirements.txt").await? {
        Ok(python) => python,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let chromium = match tools::chromium(run).await? {
        Ok(chromium) => chromium,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let inspector = tools::npm(run, "mcp-inspector", "backend/tests/mcp", "mcp-inspector").await?;
    let backend = backend_config(run, "todo_mcp", None).await?;
    let backend = backend.start_with(&[("CORS_ORIGINS", MCP_PAGE_ORIGIN)], run.server_sink("backend")?).await?;
    let scratch = tempfile::tempdir()?;
    let mut script = Command::new(run.workspace().path("backend/tests/mcp/run"));
    script
        .env("BASE_URL", &backend.url)
        .env("PYTHON", python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("INSPECTOR", inspector)
        .env("TODO_BACKEND", run.binaries().await?.backend())
        .env("FOREIGN_HOST", FOREIGN_HOST)
        .env("PAGE_ORIGIN", MCP_PAGE_ORIGIN)
        .env("CHROMIUM", chromium)
        .env("SCRATCH", scratch.path())
        .env("REPORT", run.reports().join("mcp.xml"))
        .current_dir(run.workspace().root());
    let outcome = run.run_tests(script).await;
    backend.program.stop().await;
    outcome
}

pub async fn e2e(run: &StepRun<'_>) -> Result<Outcome> {
    let chromium = match tools::chromium(run).await? {
        Ok(chromium) => chromium,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    run.frontend().await?;
    let model = stack::start_model(&run.binaries().await?.model(), run.server_sink("model")?).await?;
    let (backend, database_url) = start_backend(run, "todo_e2e", Some(model.url.clone())).await?;
    let frontend = start_frontend(run, &backend).await?;

    let mut playwright = Command::new(node::tool(run.workspace(), "playwright"));
    playwright
        .args(["test", "--reporter=list,junit"])
        .current_dir(run.workspace().path("frontend"))
        .env("PLAYWRIGHT_JUNIT_OUTPUT_FILE", run.reports().join("playwright.xml"))
        .env("BASE_URL", &frontend.url)
        .env("BACKEND_URL", &backend.url)
        .env("LLM_URL", &model.url)
        .env("DATABASE_URL", database_url)
        .env("CHROMIUM_PATH", chromium);
    let outcome = run.run_tests(playwright).await;
    frontend.program.stop().await;
    backend.program.stop().await;
    model.program.stop().await;
    outcome
}

/// Runs `cargo todo dev` on free ports and with its own state directory.
pub async fn dev(run: &StepRun<'_>) -> Result<Outcome> {
    run.context.packages().await?;
    run.binaries().await?;
    let state = tempfile::tempdir()?;
    let mut dev = Command::new(run.todo().await?);
    dev.args(["dev", "--port=0", "--backend-port=0", "--metrics-port=0", "--frontend-metrics-port=0"])
        .arg("--demo-model")
        .current_dir(run.workspace().root())
        .env("TODO_STATE_DIR", state.path());
    let mut program = Program::start(dev, run.sink())?;
    let url = program
        .line("URL", Duration::from_mins(3), |line| {
            let address = line.split_once("the application is at ")?.1;
            Some(address.split_whitespace().next()?.to_owned())
        })
        .await?;
    let model = program
        .line("model", Duration::from_secs(10), |line| {
            let address = line.split_once("the demo model at ")?.1;
            Some(address.split_once(": ")?.0.to_owned())
        })
        .await?;
    let models = reqwest::get(format!("{model}/v1/models")).await?.error_for_status()?.text().await?;
    ensure!(models.contains("demo"), "{model} has no model `demo`: {models}");
    let page = reqwest::get(&url).await?.error_for_status()?.text().await?;
    ensure!(page.contains("<html"), "{url} is no page");
    let answer = reqwest::get(format!("{url}/api/tasks")).await?;
    ensure!(answer.status() == 401, "{url}/api/tasks answered {}", answer.status());
    program.stop().await;
    for url in [url, model] {
        if reqwest::get(&url).await.is_ok() {
            bail!("{url} still answers after `cargo todo dev` has ended");
        }
    }
    Ok(Outcome::passed())
}
