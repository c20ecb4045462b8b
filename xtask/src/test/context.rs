//! The context that the steps of a run share, and the functions that a step uses.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anstyle::AnsiColor;
use anyhow::{Result, bail, ensure};
use todo::{
    database::Databases,
    node,
    output::Label,
    process::Program,
    stack::{self, Binaries, npm_run},
    workspace::Workspace,
};
use tokio::{process::Command, sync::OnceCell};

use super::counts::Counts;

/// The time between two lines of a step on the terminal, unless `--verbose` shows all of them.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Resources that the steps share. The first step that needs a resource creates it.
#[derive(Debug)]
pub struct Context {
    pub workspace: Workspace,
    verbose: bool,
    databases: OnceCell<Databases>,
    binaries: OnceCell<Binaries>,
    todo: OnceCell<PathBuf>,
    packages: OnceCell<()>,
    frontend: OnceCell<()>,
}

impl Context {
    pub fn new(workspace: Workspace, verbose: bool) -> Self {
        Self {
            workspace,
            verbose,
            databases: OnceCell::new(),
            binaries: OnceCell::new(),
            todo: OnceCell::new(),
            packages: OnceCell::new(),
            frontend: OnceCell::new(),
        }
    }

    pub async fn databases(&self) -> Result<&Databases> {
        self.databases.get_or_try_init(Databases::throwaway).await
    }

    /// Installs the frontend's packages.
    pub async fn packages(&self) -> Result<()> {
        self.packages.get_or_try_init(|| node::install(&self.workspace)).await.copied()
    }
}

/// The result of a step.
#[derive(Debug)]
pub enum Outcome {
    Ran(Counts),
    /// The step cannot run on this machine, for this reason.
    Skipped(String),
}

impl Outcome {
    /// The result of a step that counts as one test.
    pub fn passed() -> Self {
        Self::Ran(Counts::passed(1))
    }
}

/// The exit status of a program, and its standard output and standard error.
#[derive(Debug)]
pub struct ProgramOutput {
    pub status: ExitStatus,
    pub output: String,
}

/// A step that is running.
#[derive(Debug)]
pub struct StepRun<'a> {
    pub context: &'a Context,
    label: Label,
    log_path: PathBuf,
    log: Arc<Mutex<Log>>,
    reports: PathBuf,
}

#[derive(Debug)]
struct Log {
    file: File,
    printed_at: Instant,
}

impl<'a> StepRun<'a> {
    pub fn new(context: &'a Context, name: &'static str) -> Result<Self> {
        let log_path = context.workspace.state(&format!("test/logs/{name}.log"))?;
        let log = Log { file: File::create(&log_path)?, printed_at: Instant::now() };
        let label = Label { name, color: AnsiColor::Blue };
        let reports = context.workspace.state(&format!("test/reports/{name}"))?;
        // A report of an earlier run must not count for a runner that has written none.
        let _ = std::fs::remove_dir_all(&reports);
        std::fs::create_dir_all(&reports)?;
        Ok(Self { context, label, log_path, log: Arc::new(Mutex::new(log)), reports })
    }

    pub fn workspace(&self) -> &Workspace {
        &self.context.workspace
    }

    pub fn report(&self, line: &str) {
        self.label.print(line);
    }

    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    pub fn log_tail(&self, lines: usize) -> String {
        let text = std::fs::read_to_string(&self.log_path).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// A function that writes lines to the log of the step, and some of them to the terminal to show progress.
    pub fn sink(&self) -> impl Fn(&str) + Clone + Send + 'static + use<> {
        let (log, label, verbose) = (Arc::clone(&self.log), self.label, self.context.verbose);
        move |line: &str| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // If the disk is full, the programs themselves fail.
            let _ = writeln!(log.file, "{line}");
            if verbose || (log.printed_at.elapsed() > PROGRESS_INTERVAL && !line.trim().is_empty()) {
                log.printed_at = Instant::now();
                label.print(line);
            }
        }
    }

    /// A function that writes the lines of a background server to a separate log.
    pub fn server_sink(&self, server: &str) -> Result<impl Fn(&str) + Clone + Send + 'static + use<>> {
        let file = Arc::new(File::create(self.log_path.with_extension(format!("{server}.log")))?);
        Ok(move |line: &str| {
            let _ = writeln!(&*file, "{line}");
        })
    }

    /// Runs a program, writes its output to the log, and returns it.
    pub async fn output(&self, command: Command) -> Result<ProgramOutput> {
        let sink = self.sink();
        sink(&format!("$ {}", command_line(&command)));
        let output = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&output);
        let mut program = Program::start(command, move |line| {
            sink(line);
            let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
            collected.push_str(line);
            collected.push('\n');
        })?;
        let status = program.wait().await?;
        let output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(ProgramOutput { status, output })
    }

    /// The directory into which a test runner of this step has to write its JUnit report.
    pub fn reports(&self) -> &Path {
        &self.reports
    }

    /// Runs a test runner that writes a JUnit report into [`StepRun::reports`].
    pub async fn run_tests(&self, runner: Command) -> Result<Outcome> {
        let name = command_line(&runner);
        let status = self.output(runner).await?.status;
        self.outcome(&name, status)
    }

    /// Runs cargo-nextest with a profile of `.config/nextest.toml`, which names the file of its JUnit report. Steps that
    /// run at the same time need different profiles.
    pub async fn run_nextest(&self, profile: &str, mut nextest: Command) -> Result<Outcome> {
        let report = self.workspace().path(&format!("target/nextest/{profile}/junit.xml"));
        let _ = std::fs::remove_file(&report);
        nextest.args(["--profile", profile]);
        let name = command_line(&nextest);
        let status = self.output(nextest).await?.status;
        if report.is_file() {
            std::fs::copy(&report, self.reports.join("nextest.xml"))?;
        }
        self.outcome(&name, status)
    }

    /// The result of a test runner that has ended.
    fn outcome(&self, runner: &str, status: ExitStatus) -> Result<Outcome> {
        let counts = Counts::from_reports(&self.reports)?;
        let ran = counts.passed + counts.failed + counts.skipped.len() as u64;
        ensure!(ran > 0, "`{runner}` ran no test ({status})");
        ensure!(status.success() || counts.failed > 0, "`{runner}` failed, and none of its tests did ({status})");
        Ok(Outcome::Ran(counts))
    }

    /// Runs a program that has to succeed, and returns its output.
    pub async fn check_output(&self, command: Command) -> Result<String> {
        let name = command_line(&command);
        let result = self.output(command).await?;
        if !result.status.success() {
            bail!("`{name}` failed ({})", result.status);
        }
        Ok(result.output)
    }

    /// The compiled backend and model.
    pub async fn binaries(&self) -> Result<&Binaries> {
        let workspace = self.workspace();
        let build = async || {
            self.check_output(stack::cargo_build(workspace, false, true)).await?;
            Binaries::find(workspace, false).await
        };
        self.context.binaries.get_or_try_init(build).await
    }

    /// The compiled `todo` program.
    pub async fn todo(&self) -> Result<&Path> {
        let workspace = self.workspace();
        let build = async || {
            self.check_output(stack::cargo_build_todo(workspace)).await?;
            Ok(Binaries::find(workspace, false).await?.todo())
        };
        self.context.todo.get_or_try_init(build).await.map(PathBuf::as_path)
    }

    /// The frontend's production build.
    pub async fn frontend(&self) -> Result<()> {
        let build = async || {
            self.context.packages().await?;
            self.check_output(npm_run(self.workspace(), "build")).await.map(drop)
        };
        self.context.frontend.get_or_try_init(build).await.copied()
    }
}

/// A command as a user would type it.
fn command_line(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
