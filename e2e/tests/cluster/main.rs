//! The application on a real cluster. Each test is named after the row of the requirements it shows.
//!
//! Run by `cargo todo test cluster`. They run one after the other, in any order; those who need nothing of their own
//! share one release and leave it as they found it.

mod install;

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use futures_util::future::{FutureExt, LocalBoxFuture};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use todo_e2e::suite::{Skip, Suite};
use tokio::runtime::Runtime;

type Test = for<'a> fn(&'a Suite) -> LocalBoxFuture<'a, Result<()>>;

macro_rules! tests {
    ($($module:ident::$name:ident;)*) => {
        const TESTS: &[(&str, Test)] =
            &[$((stringify!($name), |suite| $module::$name(suite).boxed_local())),*];
    };
}

tests! {
    install::us1_1_install_with_no_values;
}

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new()?);
    if arguments.list {
        return Ok(libtest_mimic::run(&arguments, trials(|_| Ok(Completion::Completed))).exit_code());
    }
    let suite = Arc::new(runtime.block_on(Suite::new())?);
    let conclusion = {
        let (suite, runtime) = (Arc::clone(&suite), Arc::clone(&runtime));
        libtest_mimic::run(&arguments, trials(move |test| runtime.block_on(run(test, &suite))))
    };
    suite.report.print();
    runtime.block_on(suite.end())?;
    Ok(conclusion.exit_code())
}

fn trials(run: impl Fn(Test) -> Result<Completion, Failed> + Clone + Send + 'static) -> Vec<Trial> {
    let trial = |&(name, test): &(&'static str, Test)| {
        let run = run.clone();
        Trial::ignorable_test(name, move || run(test))
    };
    TESTS.iter().map(trial).collect()
}

async fn run(test: Test, suite: &Suite) -> Result<Completion, Failed> {
    let outcome = std::panic::AssertUnwindSafe(test(suite)).catch_unwind().await;
    let error = match outcome {
        Ok(Ok(())) => return Ok(Completion::Completed),
        Ok(Err(error)) => match error.downcast::<Skip>() {
            Ok(Skip(reason)) => return Ok(Completion::ignored_with(reason)),
            Err(error) => format!("{error:#}"),
        },
        Err(_) => "panicked".into(),
    };
    println!("\n{error}");
    suite.explain().await;
    Err(error.into())
}
