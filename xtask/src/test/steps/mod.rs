//! The table of steps.

mod application;
mod chart;
mod cluster;
mod flake;
mod frontend;
mod monitoring;
mod rust;

use anyhow::Result;
use futures_util::future::{FutureExt, LocalBoxFuture};

use super::context::{Outcome, StepRun};

/// The steps of one lane run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Rust,
    Frontend,
    /// These steps run alone, after both other lanes.
    Exclusive,
}

type Run = for<'a> fn(&'a StepRun<'a>) -> LocalBoxFuture<'a, Result<Outcome>>;

pub struct Step {
    pub name: &'static str,
    pub lane: Lane,
    pub about: &'static str,
    pub run: Run,
}

macro_rules! steps {
    ($($lane:ident $name:literal $run:path, $about:literal;)*) => {
        /// All steps, in the order of the summary.
        pub const STEPS: &[Step] =
            &[$(Step { name: $name, lane: Lane::$lane, about: $about, run: |run| $run(run).boxed_local() }),*];
    };
}

steps! {
    Rust "rustfmt" rust::rustfmt, "Rust code is formatted";
    Rust "clippy" rust::clippy, "clippy, pedantic, without a warning";
    Rust "docs" rust::docs, "cargo doc without a warning, and its examples";
    Rust "deny" rust::deny, "licences, banned crates and sources (deny.toml)";
    Rust "advisories" rust::advisories, "no crate with a known vulnerability";
    Rust "sqlx" rust::sqlx, "backend/.sqlx is what the queries give against a real database";
    Rust "cli" rust::cli, "tests of the program `todo`";
    Rust "xtask" rust::xtask, "tests of this program";
    Rust "backend" rust::backend, "tests of the backend against a real PostgreSQL";
    Rust "llm" rust::llm, "tests of the scripted language model";
    Rust "api-types" application::api_types, "the frontend's API types are those of the backend's OpenAPI document";
    Rust "schemathesis" application::schemathesis, "requests generated from the OpenAPI document find no fault";
    Rust "mcp" application::mcp, "the SDKs and the inspector of MCP, over HTTP, in a browser, and over standard input and output";
    Rust "shell" rust::shell, "shellcheck finds nothing in the shell scripts";
    Rust "flake" flake::flake, "the flake parses, is formatted, and pins exactly its inputs and the frontend's packages";
    Rust "commands" rust::commands, "every command in README, CONTRIBUTING and docs is run by a step";
    Rust "chart-lint" chart::lint, "helm lint --strict with Helm 3 and 4, for every documented set of values";
    Rust "chart-unit" chart::unit, "unit tests of each template of the chart, and values that are refused";
    Rust "chart-rollouts" chart::rollouts, "pods are replaced exactly when something they read has changed";
    Rust "chart-schemas" chart::schemas, "kubeconform: only fields that Kubernetes, the Gateway API and Prometheus's operator know";
    Rust "chart-rules" chart::rules, "promtool: the alerts fire when they should, and not before";
    Rust "chart-grafana" chart::grafana, "Grafana's provisioning files have the fields that it documents; no Grafana is run";
    Rust "chart-security" chart::pod_security, "Pod Security `restricted` admits every pod";
    Rust "chart-score" chart::score, "kube-score, each exception with its reason";
    Rust "chart-docs" chart::docs, "the chart's table of values, its schema and its version are up to date";
    Frontend "frontend-lint" frontend::lint, "biome, the TypeScript compiler and knip without a finding";
    Frontend "frontend" frontend::unit, "unit tests of the frontend";
    Frontend "frontend-build" frontend::build, "the production build";
    Frontend "frontend-server" frontend::server, "tests of the frontend's server, on the production build";
    Frontend "bundle-size" frontend::bundle_size, "the tasks page loads at most 180 kB of JavaScript, gzipped";
    Frontend "images" cluster::images, "the images that the Dockerfiles make: size, content, user, reproducible layers";
    Exclusive "e2e" application::e2e, "Chromium against frontend, backend and PostgreSQL";
    Exclusive "monitoring" monitoring::monitoring, "a real Prometheus has data for every panel and alert, of processes under load";
    Exclusive "dev" application::dev, "`cargo todo dev` serves the application and leaves nothing behind";
    Exclusive "cluster" cluster::cluster, "the application on a real Minikube: installing, upgrading, faults, under load";
}
