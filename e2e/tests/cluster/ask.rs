//! US4: what an assistant finds out with the rights it has, by the commands of `docs/aiops.md` and by `kubectl-ai`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::ResourceExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use todo::rollout::pod::is_ready;
use todo_e2e::{
    program::{self, Output},
    release::{NAME, Release, root},
    suite::{BASELINE, Skip, Suite},
    user::User,
    wait::wait_until,
};
use todo_llm::{Model, Reply, Script};
use tokio::process::Command;
use xtask::questions::{Question, of_page};

const MINUTE: Duration = Duration::from_mins(1);
/// A setting that no backend starts with.
const INVALID_LEVEL: &str = "canary-level";
const KEY: &str = "canary-key";

/// (a) Runs every command of the page as kubectl-ai does, and looks for every fact that the page promises.
pub async fn us4_every_command_of_the_page_finds_what_it_promises(suite: &Suite) -> Result<()> {
    let crash = Crash::begin(suite).await?;
    let assistant = Assistant::new(suite, crash.release).await?;
    check_prompt(crash.release).await?;
    let questions = questions()?;
    for question in &questions {
        wait_until_answered(&assistant, &crash, question).await?;
    }
    let commands: usize = questions.iter().map(|question| question.commands.len()).sum();
    suite.report.add("US4 questions, answered by commands", "all", format!("{}, {commands}", questions.len()));
    crash.end().await
}

/// Runs the commands of a question until they find all that is promised: the metrics server measures only from time to
/// time, and events take a moment.
async fn wait_until_answered(assistant: &Assistant, crash: &Crash<'_>, question: &Question) -> Result<()> {
    wait_until(&format!("the answer to {:?}", question.text), MINUTE * 2, async || {
        let mut found = String::new();
        for command in &question.commands {
            let output = program::stdout(assistant.shell(command)).await?;
            if command.contains("--sort-by=memory") {
                ensure_sorted_by_memory(&output)?;
            }
            found += &output;
        }
        ensure_contains(&found, &crash.facts(&question.text).await?)
    })
    .await
}

/// Fails unless each component in the model's prompt exists, with its container, ports and probes.
async fn check_prompt(release: &Release) -> Result<()> {
    let prompt = std::fs::read_to_string(root().join("cli/src/aiops/prompt.md"))?;
    let mut components = 0;
    for row in prompt.lines().filter(|line| line.contains("/todo-") && line.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, component, object, container, ports, liveness, readiness, _] = cells[..] else { bail!("{row}") };
        let object = program::stdout(release.kubectl(["get", object, "--output=json"])).await?;
        let object: Value = serde_json::from_str(&object)?;
        let template = &object["spec"]["template"];
        ensure!(template["metadata"]["labels"]["app.kubernetes.io/component"] == component, "{row}");
        let found = &template["spec"]["containers"][0];
        ensure!(found["name"] == container, "{row}: {found}");
        for (name, path) in [("livenessProbe", liveness), ("readinessProbe", readiness)] {
            ensure!(found[name].to_string().contains(&format!("\"{}\"", path.trim_matches('`'))), "{row}: {found}");
        }
        let numbers = ports.split(|it: char| !it.is_ascii_digit()).filter(|number| !number.is_empty());
        for port in numbers {
            ensure!(found["ports"].to_string().contains(&format!(":{port}")), "{row}: {found}");
        }
        components += 1;
    }
    ensure!(components == 3, "the prompt names {components} components");
    Ok(())
}

/// Fails unless every row has a number, and none is larger than that of the row before.
fn ensure_sorted_by_memory(table: &str) -> Result<()> {
    let memory = |row: &str| row.split_whitespace().last()?.strip_suffix("Mi")?.parse::<u64>().ok();
    let rows: Option<Vec<_>> = table.lines().skip(1).map(memory).collect();
    let rows = rows.with_context(|| format!("no memory in a row of\n{table}"))?;
    ensure!(rows.is_sorted_by(|one, next| one >= next) && rows.first() > Some(&0), "{table}");
    Ok(())
}

pub async fn us4_an_assistant_may_only_look(suite: &Suite) -> Result<()> {
    let release = suite.shared_release(BASELINE).await?;
    let assistant = Assistant::new(suite, release).await?;
    let before = state(release).await?;
    let user = format!("system:serviceaccount:{}:todo-ai", release.namespace);
    let pod = release.names("backend").await?.swap_remove(0);
    let attempts = ATTEMPTS.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut refused = 0;
    for attempt in attempts {
        let command = attempt.replace("POD", &pod).replace("NAMESPACE", &release.namespace);
        let finished = program::run(assistant.shell(&command)).await?;
        let output = finished.combined();
        ensure!(!finished.status.success(), "`{command}` succeeded:\n{output}");
        let by_the_cluster = output.contains("orbidden") && output.contains(&user) && output.contains("cannot ");
        ensure!(by_the_cluster, "`{command}` failed for another reason:\n{output}");
        refused += 1;
    }
    ensure!(state(release).await? == before, "something was changed");
    suite.report.add("US4 attempts to change, or to see too much", "refused", format!("{refused} refused"));
    Ok(())
}

/// Commands that only the cluster's rights keep an assistant from.
const ATTEMPTS: &str = r#"
    kubectl get secrets
    kubectl get secret todo-secrets --output=yaml
    kubectl describe secret todo-secrets
    kubectl get --raw /api/v1/namespaces/NAMESPACE/secrets/todo-secrets
    kubectl get --raw '/api/v1/namespaces/NAMESPACE/secrets?watch=true'
    kubectl get roles
    kubectl get namespaces
    kubectl get nodes
    kubectl top nodes
    kubectl get pods --all-namespaces
    kubectl get pods --namespace=kube-system
    kubectl top pods --namespace=kube-system
    kubectl logs --namespace=kube-system --selector=k8s-app=kube-dns
    kubectl get configmaps --namespace=kube-system
    kubectl get secrets --namespace=kube-system
    kubectl get pods --as=system:admin
    kubectl get --raw /api/v1/namespaces/NAMESPACE/pods/POD:8000/proxy/health
    kubectl get --raw /api/v1/namespaces/NAMESPACE/services/todo-backend:8000/proxy/health
    kubectl create configmap probe --from-literal=a=b
    kubectl create token todo-ai
    kubectl create rolebinding probe --clusterrole=admin --serviceaccount=NAMESPACE:todo-ai
    kubectl run probe --image=probe
    kubectl expose deployment/todo-backend --name=probe --port=1
    kubectl create job probe --image=probe
    kubectl scale deployment/todo-backend --replicas=0
    kubectl scale statefulset/todo-postgres --replicas=0
    kubectl patch deployment/todo-backend --type=merge --patch='{"spec":{"replicas":0}}'
    kubectl patch configmap/todo-config --patch='{"data":{"LOG_LEVEL":"debug"}}'
    kubectl patch secret/todo-secrets --patch='{"stringData":{"SECRET_KEY":""}}'
    kubectl set image deployment/todo-backend backend=probe
    kubectl set env deployment/todo-backend PROBE=1
    kubectl annotate deployment/todo-backend probe=1
    kubectl label pod POD probe=1
    kubectl get deployment/todo-backend --output=json | kubectl replace --filename=-
    kubectl get deployment/todo-backend --output=json | kubectl apply --server-side --force-conflicts --filename=-
    kubectl rollout restart deployment/todo-backend
    kubectl rollout undo deployment/todo-backend
    kubectl rollout pause deployment/todo-backend
    kubectl delete pod POD
    kubectl delete pods --all
    kubectl delete deployment/todo-backend
    kubectl delete persistentvolumeclaims --all
    kubectl delete secret todo-secrets
    kubectl delete namespace NAMESPACE
    kubectl exec POD -- true
    kubectl attach POD
    kubectl port-forward POD 0:8000
    kubectl debug POD --image=probe
    kubectl cordon minikube
    kubectl drain minikube
    kubectl taint node minikube probe=1:NoSchedule
"#;

/// All objects that the attempts are aimed at, without their status.
async fn state(release: &Release) -> Result<String> {
    let kinds = "pods,deployments,statefulsets,services,configmaps,secrets,rolebindings,persistentvolumeclaims";
    let metadata = "{.metadata.uid} {.metadata.labels} {.metadata.annotations}";
    let columns =
        format!("jsonpath={{range .items[*]}}{{.kind}}/{{.metadata.name}} {metadata} {{.spec}} {{.data}} {{end}}");
    program::stdout(release.kubectl(["get", kinds, "--output", &columns])).await
}

/// (b) `cargo todo ask`, with the real kubectl-ai and a model that plays a script.
pub async fn us4_kubectl_ai_answers_every_question(suite: &Suite) -> Result<()> {
    need_kubectl_ai(suite)?;
    let crash = Crash::begin(suite).await?;
    let assistant = Assistant::new(suite, crash.release).await?;
    let questions = questions()?;
    let start = Instant::now();
    for question in &questions {
        wait_until_answered(&assistant, &crash, question).await?;
        is_answered(suite, &crash, question).await.with_context(|| format!("{:?}", question.text))?;
    }
    let measured = format!("{} in {:.0} s", questions.len(), start.elapsed().as_secs_f64());
    suite.report.add("US4 questions, answered by kubectl-ai", "all", measured);
    crash.end().await
}

async fn is_answered(suite: &Suite, crash: &Crash<'_>, question: &Question) -> Result<()> {
    let answer = Reply::text("```\n{% for result in results %}{{ result.stdout or result.stderr }}\n{% endfor %}```");
    let replies = question.commands.iter().map(|command| kubectl(command)).chain([answer]);
    let model = Model::start(Script { key: Some(KEY.into()), ..Script::in_order(replies) }).await;
    let asked = ask(suite, crash.release, &model.url(), &question.text).await?;
    ensure!(asked.status.code() == Some(0), "{}", asked.combined());

    let requests = model.requests();
    ensure!(requests.len() == question.commands.len() + 1, "the model was asked {} times", requests.len());
    let last = requests.last().context("the model was asked")?;
    ensure!(last["model"] == "scripted", "another model was asked for: {}", last["model"]);
    let messages = last["messages"].as_array().context("a request has messages")?;
    let prompt = messages[0]["content"].to_string();
    ensure!(prompt.contains("deployment/todo-backend"), "the prompt does not describe the application: {prompt}");
    let facts = crash.facts(&question.text).await?;
    ensure_contains(&results(messages), &facts).context("in the results of the tools")?;
    // kubectl-ai breaks lines to fit a terminal.
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    let facts: Vec<_> = facts.iter().map(|fact| solid(fact)).collect();
    ensure_contains(&solid(&asked.stdout), &facts).context("in the answer")
}

pub async fn us4_kubectl_ai_changes_nothing(suite: &Suite) -> Result<()> {
    need_kubectl_ai(suite)?;
    let release = suite.shared_release(BASELINE).await?;
    let before = state(release).await?;
    let question = "make it work";
    let bash = |command: &str| Reply::call("bash", json!({ "command": command, "modifies_resource": "no" }));
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("made").display().to_string();
    for reply in [
        kubectl("kubectl delete deployment todo-backend"),
        kubectl("kubectl scale deployment/todo-backend --replicas=0"),
        kubectl("kubectl rollout restart deployment/todo-backend"),
        kubectl("kubectl exec deployment/todo-backend -- true"),
        kubectl("kubectl get pods | grep todo"),
        bash(&format!("touch {file}")),
    ] {
        let model = Model::start(Script::in_order([reply.clone(), Reply::text("done")])).await;
        let asked = ask(suite, release, &model.url(), question).await?;
        let output = asked.combined();
        ensure!(asked.status.code() == Some(1), "{reply:?} ended with {}: {output}", asked.status);
        ensure!(output.contains("RunOnce mode cannot handle permission requests"), "{output}");
        ensure!(model.requests().len() == 1, "{reply:?} was run");
    }
    ensure!(!Path::new(&file).exists(), "a program was run");
    ensure!(state(release).await? == before, "something was changed");

    // kubectl-ai runs this command, but the cluster refuses it.
    let model = Model::start(Script::in_order([
        kubectl("kubectl get secret todo-secrets --output=yaml"),
        Reply::text("{{ result.stderr }}"),
    ]))
    .await;
    let asked = ask(suite, release, &model.url(), question).await?;
    ensure!(asked.status.success() && asked.stdout.contains("forbidden"), "{}", asked.combined());

    let gone = model.url();
    drop(model);
    let asked = ask(suite, release, &gone, question).await?;
    ensure!(asked.status.code() == Some(1) && asked.combined().contains("refused"), "{}", asked.combined());
    ensure!(!asked.combined().contains(KEY), "the key is shown");
    suite.report.add("US4 changes that kubectl-ai was asked for", "refused", "6 refused, exit code 1");
    Ok(())
}

fn need_kubectl_ai(suite: &Suite) -> Result<()> {
    minikube(suite)?;
    if todo::tool::on_path("kubectl-ai").is_none() {
        return Err(Skip("kubectl-ai is in no registry; the devShell has it".into()).into());
    }
    Ok(())
}

fn minikube(suite: &Suite) -> Result<()> {
    if suite.cluster.minikube.is_none() {
        return Err(Skip("the program is tested on Minikube".into()).into());
    }
    Ok(())
}

/// The reply by which a model asks to run a command. Its claim that nothing is modified must not be believed.
fn kubectl(command: &str) -> Reply {
    Reply::call("kubectl", json!({ "command": command, "modifies_resource": "no" }))
}

/// Runs `cargo todo ask`, and fails if it leaves files behind.
async fn ask(suite: &Suite, release: &Release, model: &str, question: &str) -> Result<Output> {
    let scratch = tempfile::tempdir()?;
    let mut ask = suite.todo();
    ask.args(["ask", question, "--namespace", &release.namespace])
        .envs([("OPENAI_BASE_URL", model), ("OPENAI_MODEL", "scripted"), ("OPENAI_API_KEY", KEY)])
        .env("TMPDIR", scratch.path());
    let finished = program::run(ask).await?;
    for entry in std::fs::read_dir(scratch.path())? {
        let name = entry?.file_name();
        // Minikube writes a log of its own when it is asked whether it runs.
        ensure!(name.to_string_lossy().starts_with("minikube_"), "it leaves behind {}", name.display());
    }
    Ok(finished)
}

/// What the tools have printed, from the messages to the model.
fn results(messages: &[Value]) -> String {
    let tools = messages.iter().filter(|message| message["role"] == "tool");
    let results = tools.filter_map(|message| serde_json::from_str::<Value>(message["content"].as_str()?).ok());
    results.filter_map(|result| result["stdout"].as_str().map(str::to_owned)).collect()
}

fn questions() -> Result<Vec<Question>> {
    Ok(of_page(&std::fs::read_to_string(root().join("docs/aiops.md"))?))
}

fn ensure_contains(found: &str, facts: &[String]) -> Result<()> {
    ensure!(!facts.is_empty(), "nothing is promised");
    for fact in facts {
        ensure!(found.contains(fact), "`{fact}` is missing in:\n{found}");
    }
    Ok(())
}

/// The file that `cargo todo ai-kubeconfig` writes.
struct Assistant {
    directory: TempDir,
}

impl Assistant {
    async fn new(suite: &Suite, release: &Release) -> Result<Self> {
        minikube(suite)?;
        let assistant = Self { directory: tempfile::tempdir()? };
        let mut make = suite.todo();
        make.args(["ai-kubeconfig", "--namespace", &release.namespace, "--file"]).arg(assistant.file());
        program::stdout(make).await?;
        Ok(assistant)
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Runs a command in bash with the assistant's kubeconfig, as kubectl-ai does.
    fn shell(&self, command: &str) -> Command {
        let mut bash = program::command("bash", ["-c", command]);
        bash.env("KUBECONFIG", self.file()).env("HOME", self.directory.path());
        bash
    }
}

/// The shared release while a new backend crashes at its start and the old ones go on serving.
struct Crash<'a> {
    release: &'a Release,
    revision: u64,
    pod: String,
}

impl<'a> Crash<'a> {
    async fn begin(suite: &'a Suite) -> Result<Self> {
        let release = suite.shared_release(BASELINE).await?;
        // This request leaves a log line with its duration.
        User::sign_up(&release.proxy().await?.url).await?.create("ask", "once").await?;
        let (revision, backends) = (release.revision().await?, release.names("backend").await?);
        release.invalidate();
        let patch = format!(r#"{{"data":{{"LOG_LEVEL":"{INVALID_LEVEL}"}}}}"#);
        program::stdout(release.kubectl(["patch", "configmap", &format!("{NAME}-config"), "--patch", &patch])).await?;
        program::stdout(release.kubectl(["rollout", "restart", &format!("deployment/{NAME}-backend")])).await?;
        let pod = release.new_pod("backend", &backends).await?;
        wait_until(&format!("CrashLoopBackOff of {pod}"), MINUTE * 2, async || {
            let state = program::stdout(release.kubectl(["get", "pod", &pod, "--no-headers"])).await?;
            ensure!(state.contains("CrashLoopBackOff"), "{state}");
            Ok(())
        })
        .await?;
        Ok(Self { release, revision, pod })
    }

    async fn end(self) -> Result<()> {
        self.release.rollback(self.revision).await?;
        self.release.wait_until_settled().await
    }

    /// What the answer to a question has to contain, as the page promises it.
    async fn facts(&self, question: &str) -> Result<Vec<String>> {
        let (release, crashing) = (self.release, self.pod.as_str());
        let mut pods = Vec::new();
        for component in ["backend", "frontend", "postgres"] {
            pods.extend(release.pods(component).await?);
        }
        let names = || pods.iter().map(ResourceExt::name_any);
        let ready = || pods.iter().filter(|pod| is_ready(pod)).map(ResourceExt::name_any);
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let images = || pods.iter().filter_map(|pod| pod.spec.as_ref()?.containers[0].image.clone());
        Ok(match question {
            "show me all pods in the todo namespace" => {
                names().chain(words(&["Running", "CrashLoopBackOff"])).collect()
            }
            "why is the backend pod crashing?" => {
                words(&[crashing, "CrashLoopBackOff", "Exit Code:", "LOG_LEVEL must be"])
            }
            "what resources are consuming the most memory?" => {
                ready().chain(pods.iter().filter_map(memory_limit)).collect()
            }
            "has the last rollout finished?" => {
                words(&["Waiting for deployment", "1 out of 2 new replicas", "todo-frontend", "todo-postgres", "1/1"])
            }
            "which pods are not ready, and why?" => ready()
                .chain(words(&[crashing, "False", "True", "containers with", "BackOff", "restarting failed container"]))
                .collect(),
            "what went wrong recently?" => words(&[crashing, "BackOff", "restarting failed container"]),
            "which configuration is in use?" => {
                words(&[&format!("LOG_LEVEL: {INVALID_LEVEL}"), "CORS_ORIGINS", "todo-config"])
            }
            "which images run?" => names().chain(images()).collect(),
            "how many replicas are there, and does it scale by itself?" => {
                words(&["todo-backend    2        2", "todo-frontend   2        2"])
            }
            "what can I go back to?" => {
                let deployment: Deployment = release.api().get(&format!("{NAME}-backend")).await?;
                let revision = deployment.annotations().get("deployment.kubernetes.io/revision");
                let revision = revision.context("a Deployment has a revision")?;
                words(&["REVISION", &format!("\n{revision} "), &release.images.backend])
            }
            "are there errors in the logs?" => {
                let failed = r#""level":"ERROR","message":"invalid configuration"#;
                words(&[crashing, failed, r#""level":"INFO""#, "todo-frontend"])
            }
            "which pods are slow?" => ready().chain(words(&["CPU(cores)", "50m", r#""ms":"#, "/api/tasks"])).collect(),
            "does the backend reach the database?" => {
                let database = release.pod("postgres").await?;
                let address =
                    database.status.and_then(|status| status.pod_ip).context("the database has no address")?;
                words(&["todo-postgres-0", "1/1", "5432", &address, crashing])
            }
            "how is it reached from outside?" => {
                words(&["todo-frontend", "NodePort", "3000:", "todo-backend", "8000/TCP"])
            }
            _ => bail!("the page promises an answer to {question:?}, and this test does not know which"),
        })
    }
}

fn memory_limit(pod: &Pod) -> Option<String> {
    let container = &pod.spec.as_ref()?.containers[0];
    Some(container.resources.as_ref()?.limits.as_ref()?.get("memory")?.0.clone())
}
