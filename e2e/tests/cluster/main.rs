//! The application on a real cluster. A prefix names what the test shows: a user story (`us`), a success
//! criterion (`sc`) or an edge case (`e`).
//!
//! `cargo xtask test cluster` runs them, one after the other, in any order. Those that need no release of their own
//! share one, and leave it as they found it.

mod ask;
mod changes;
mod chat;
mod command;
mod database;
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
};

/// How long one test may take. Only those that build the images need a large part of it.
const LIMIT: Duration = Duration::from_mins(15);

type Test = for<'a> fn(&'a Suite) -> LocalBoxFuture<'a, Result<()>>;

macro_rules! tests {
    ($($module:ident::$name:ident;)*) => {
        const TESTS: &[(&str, Test)] =
            &[$((stringify!($name), |suite| $module::$name(suite).boxed_local())),*];
    };
}

tests! {
    install::us1_1_install_with_no_values;
    command::us1_1_deploy_look_break_and_remove;
    install::us1_2_journey_through_the_service;
    install::us1_2_journey_through_the_ingress;
    install::us1_3_logs_are_json_without_an_error;
    health::us2_1_alive_while_the_database_hangs;
    health::us2_2_ready_only_while_the_database_answers;
    health::us2_3_a_hung_backend_is_restarted_after_three_failures;
    settings::us3_2_secrets_are_shown_nowhere;
    settings::us3_3_a_changed_value_rolls_the_pods;
    settings::us3_3_an_edited_configmap_takes_effect_at_a_restart;
    ask::us4_every_command_of_the_page_finds_what_it_promises;
    ask::us4_an_assistant_may_only_look;
    ask::us4_kubectl_ai_answers_every_question;
    ask::us4_kubectl_ai_changes_nothing;
    monitoring::us6_2_every_panel_has_data_and_follows_the_load;
    monitoring::us6_1_alerts_fire_and_resolve;
    changes::us5_2_scale_to_two_and_back_under_load;
    changes::sc_004_upgrade_and_rollback_under_load;
    losses::sc_003_backends_killed_at_random_lose_nothing;
    losses::e3_the_database_pod_is_deleted_under_load;
    losses::e3_the_database_is_unreachable_under_load;
    database::sc_003_the_data_outlives_a_change_of_the_databases_image;
    database::sc_003_a_volume_with_a_locale_keeps_its_image;
    chat::us1_2_journey_through_the_chat;
    chat::sc_003_a_conversation_outlives_its_pod;
    chat::mcp_through_the_ingress;
    faults::e1_too_large_a_memory_request_stays_pending;
    faults::e2_an_image_that_cannot_be_pulled;
    faults::e4_a_wrong_value_in_the_configmap;
    faults::e4_a_short_secret_key;
    faults::e4_a_broken_database_url;
    faults::e4_a_secret_that_does_not_exist;
    lifetime::egress_that_no_policy_allows_is_refused;
    lifetime::the_data_outlives_an_upgrade_of_the_chart;
    lifetime::the_data_outlives_minikube_stop_and_start;
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new()?);
    if arguments.list {
        return Ok(libtest_mimic::run(&arguments, trials(|_, _| Ok(Completion::Completed))).exit_code());
    }
    let suite = Arc::new(runtime.block_on(Suite::new())?);
    runtime.spawn(remove_when_interrupted(Arc::clone(&suite)));
    let conclusion = {
        let (suite, runtime) = (Arc::clone(&suite), Arc::clone(&runtime));
        libtest_mimic::run(&arguments, trials(move |name, test| runtime.block_on(run(name, test, &suite))))
    };
    suite.report.print();
    if let Some(path) = std::env::var_os("TODO_E2E_REPORT") {
        suite.report.write(Path::new(&path))?;
    }
    runtime.block_on(async {
        suite.remove_all().await?;
        suite.wait_until_removed().await
    })?;
    Ok(conclusion.exit_code())
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

fn trials(run: impl Fn(&str, Test) -> Result<Completion, Failed> + Clone + Send + 'static) -> Vec<Trial> {
    let trial = |&(name, test): &(&'static str, Test)| {
        let run = run.clone();
        Trial::ignorable_test(name, move || run(name, test))
    };
    TESTS.iter().map(trial).collect()
}

async fn run(name: &str, test: Test, suite: &Suite) -> Result<Completion, Failed> {
    let start = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, AssertUnwindSafe(test(suite)).catch_unwind()).await;
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
