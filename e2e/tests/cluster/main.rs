//! The application on a real cluster. A prefix names what the test shows: a user story (`us`), a success
//! criterion (`sc`) or an edge case (`e`).
//!
//! `cargo xtask test cluster` runs them. Each belongs to a [`Lane`]; within a lane any order works. Tests that need no
//! release of their own share one, and set its values. Neighbours in the table with the same values save an upgrade.

mod ask;
mod changes;
mod chat;
mod command;
mod database;
mod envelope;
mod faults;
mod health;
mod install;
mod lifetime;
mod losses;
mod monitoring;
mod settings;

use std::{
    panic::AssertUnwindSafe,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use futures_util::future::{FutureExt, LocalBoxFuture};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use quick_junit::{NonSuccessKind, TestCaseStatus};
use todo_e2e::suite::{Skip, Suite};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::Mutex,
};

/// How long one test may take. Only those that build the images need a large part of it.
const LIMIT: Duration = Duration::from_mins(15);

/// The tests of one lane run one after the other. `Own` and `Shared` run at the same time, since most of their tests
/// wait for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// These tests have releases of their own.
    Own,
    /// These tests use the shared release.
    Shared,
    /// These tests run after both other lanes: either no request may fail under load, or the node is stopped.
    Alone,
}

type Run = for<'a> fn(&'a Suite) -> LocalBoxFuture<'a, Result<()>>;

#[derive(Clone, Copy)]
struct Test {
    name: &'static str,
    lane: Lane,
    run: Run,
}

macro_rules! tests {
    ($($lane:ident $module:ident::$name:ident;)*) => {
        const TESTS: &[Test] = &[$(Test {
            name: stringify!($name),
            lane: Lane::$lane,
            run: |suite| $module::$name(suite).boxed_local(),
        }),*];
    };
}

tests! {
    Own install::us1_1_install_with_no_values;
    Own command::us1_1_deploy_look_break_and_remove;
    Own database::sc_003_the_data_outlives_a_change_of_the_databases_image;
    Own database::sc_003_a_volume_with_a_locale_keeps_its_image;
    Own lifetime::the_data_outlives_an_upgrade_of_the_chart;
    Shared install::us1_2_journey_through_the_service;
    Shared health::us2_2_ready_only_while_the_database_answers;
    Shared health::us2_3_a_hung_backend_is_restarted_after_three_failures;
    Shared settings::us3_2_secrets_are_shown_nowhere;
    Shared settings::us3_3_an_edited_configmap_takes_effect_at_a_restart;
    Shared ask::us4_every_command_of_the_page_finds_what_it_promises;
    Shared ask::us4_an_assistant_may_only_look;
    Shared ask::us4_kubectl_ai_answers_every_question;
    Shared ask::us4_kubectl_ai_changes_nothing;
    Shared faults::e4_a_secret_that_does_not_exist;
    Shared lifetime::egress_that_no_policy_allows_is_refused;
    Shared install::us1_2_journey_through_the_ingress;
    Shared chat::mcp_through_the_ingress;
    Shared chat::us1_2_journey_through_the_chat;
    Shared chat::sc_003_a_conversation_outlives_its_pod;
    Shared monitoring::us6_2_every_panel_has_data_and_follows_the_load;
    Shared monitoring::us6_1_alerts_fire_and_resolve;
    Alone install::us1_3_logs_are_json_without_an_error;
    Alone health::us2_1_alive_while_the_database_hangs;
    Alone settings::us3_3_a_changed_value_rolls_the_pods;
    Alone changes::us5_2_scale_to_two_and_back_under_load;
    Alone changes::sc_004_upgrade_and_rollback_under_load;
    Alone losses::sc_003_backends_killed_at_random_lose_nothing;
    Alone losses::e3_the_database_pod_is_deleted_under_load;
    Alone losses::e3_the_database_is_unreachable_under_load;
    Alone faults::e1_too_large_a_memory_request_stays_pending;
    Alone faults::e2_an_image_that_cannot_be_pulled;
    Alone faults::e4_a_wrong_value_in_the_configmap;
    Alone faults::e4_a_short_secret_key;
    Alone faults::e4_a_broken_database_url;
    Alone envelope::no_mix_of_requests_exceeds_the_envelope;
    Alone lifetime::the_data_outlives_minikube_stop_and_start;
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new()?);
    if arguments.list {
        return Ok(libtest_mimic::run(&arguments, trials(|_| true, |_| Ok(Completion::Completed))).exit_code());
    }
    let suite = Arc::new(runtime.block_on(Suite::new())?);
    runtime.spawn(remove_when_interrupted(Arc::clone(&suite)));
    let run_test = {
        let (suite, runtime) = (Arc::clone(&suite), Arc::clone(&runtime));
        move |test: Test| runtime.block_on(run(test, &suite))
    };
    let (own, shared) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let beside = {
        let run_test = run_test.clone();
        let run_in_lane = move |test: Test| {
            let _turn = if test.lane == Lane::Own { own.blocking_lock() } else { shared.blocking_lock() };
            run_test(test)
        };
        // A test that waits for its lane's turn occupies a thread.
        let arguments = Arguments { test_threads: Some(TESTS.len()), ..arguments.clone() };
        libtest_mimic::run(&arguments, trials(|lane| lane != Lane::Alone, run_in_lane))
    };
    let arguments = Arguments { test_threads: Some(1), ..arguments };
    let alone = libtest_mimic::run(&arguments, trials(|lane| lane == Lane::Alone, run_test));
    suite.report.print();
    if let Some(path) = std::env::var_os("TODO_E2E_REPORT") {
        suite.report.write(Path::new(&path))?;
    }
    runtime.block_on(async {
        suite.remove_all().await?;
        suite.wait_until_removed().await
    })?;
    Ok(if beside.has_failed() { beside.exit_code() } else { alone.exit_code() })
}

async fn remove_when_interrupted(suite: Arc<Suite>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupt = tokio::signal::ctrl_c() => interrupt?,
    }
    suite.remove_all().await?;
    std::process::exit(130);
}

fn trials(
    is_selected: impl Fn(Lane) -> bool,
    run: impl Fn(Test) -> Result<Completion, Failed> + Clone + Send + 'static,
) -> Vec<Trial> {
    let trial = |&test: &Test| {
        let run = run.clone();
        Trial::ignorable_test(test.name, move || run(test))
    };
    TESTS.iter().filter(|test| is_selected(test.lane)).map(trial).collect()
}

async fn run(Test { name, run, .. }: Test, suite: &Suite) -> Result<Completion, Failed> {
    let start = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, AssertUnwindSafe(run(suite)).catch_unwind()).await;
    let ended = |status| suite.report.test(name, status, start.elapsed());
    let error = match outcome.unwrap_or_else(|_| Ok(Err(anyhow!("not done within {LIMIT:?}")))) {
        Ok(Ok(())) => {
            ended(TestCaseStatus::success());
            return Ok(Completion::Completed);
        }
        Ok(Err(error)) => match error.downcast::<Skip>() {
            Ok(Skip(reason)) => {
                let mut skipped = TestCaseStatus::skipped();
                skipped.set_message(reason.as_str());
                ended(skipped);
                return Ok(Completion::ignored_with(reason));
            }
            Err(error) => format!("{error:#}"),
        },
        Err(_) => "panicked".into(),
    };
    let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
    failure.set_description(error.as_str());
    ended(failure);
    println!("\n{error}");
    suite.print_diagnostics().await;
    suite.reset();
    Err(error.into())
}
