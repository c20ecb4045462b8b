//! `cargo todo doctor`: whether this machine has what development and deployment need, and the exact way to what is
//! missing.

mod cluster;
mod machine;
mod nix;
mod programs;
mod version;

use anstyle::AnsiColor;
use anyhow::{Result, bail};
use clap::Args;

use crate::{
    boxes,
    cluster::Target,
    output::{bold, colored},
    workspace::Workspace,
};

/// Check what this machine needs to run and to deploy the application
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    #[command(flatten)]
    target: Target,
    /// Check only whether Nix can build the images here, which are for Linux; fail when it cannot
    #[arg(long)]
    nix: bool,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    /// What the user can do about it.
    fix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// Works, or works in another way.
    Warn,
    Fail,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), fix: String::new() }
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), fix: fix.into() }
    }

    fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), fix: fix.into() }
    }

    /// Where a box can run, a program that the box contains may be missing on this machine.
    fn replaceable(mut self, by_box: bool) -> Self {
        if by_box && self.verdict == Verdict::Fail {
            self.verdict = Verdict::Warn;
            self.fix.push_str(", or deploy with --box");
        }
        self
    }

    fn print(&self) {
        let (color, word) = match self.verdict {
            Verdict::Ok => (AnsiColor::Green, "ok  "),
            Verdict::Warn => (AnsiColor::Yellow, "warn"),
            Verdict::Fail => (AnsiColor::Red, "fail"),
        };
        let fix = if self.fix.is_empty() { String::new() } else { format!(": {}", self.fix) };
        anstream::println!("{} {:<10} {}{fix}", colored(color, word), self.name, self.found);
    }
}

pub async fn run(options: Doctor) -> Result<()> {
    if options.nix {
        return match nix::nix().await {
            Some(check) if check.verdict == Verdict::Ok => Ok(()),
            Some(check) => bail!("{}: {}", check.found, check.fix),
            None => bail!("Nix is not installed"),
        };
    }
    let workspace = Workspace::find_or_state()?;
    if options.target.in_box {
        boxes::enter_if_running(&workspace, &options.target)?;
    }
    let by_box = boxes::possible(&workspace).is_ok() && !boxes::inside();
    if workspace.is_checkout() {
        anstream::println!("{}", bold("to run it from the checkout (`cargo todo dev`)"));
        let mut development = vec![programs::rust().await, programs::c_compiler(), programs::node(&workspace).await];
        development.extend(machine::ports());
        print(&development);
    }

    anstream::println!("{}", bold("to deploy it (`cargo todo deploy`)"));
    let mut deployment = vec![programs::builder().await.replaceable(by_box)];
    let (cluster, server) = cluster::cluster(&options.target).await;
    deployment.push(cluster.replaceable(by_box));
    deployment.push(programs::helm().await.replaceable(by_box));
    deployment.push(machine::disk(&workspace).await);
    deployment.push(machine::memory().await);
    deployment.push(machine::boxes(&workspace));
    deployment.push(cluster::kubectl(server.as_deref()).await);
    deployment.extend(nix::nix().await);
    print(&deployment);

    let missing: Vec<_> =
        deployment.iter().filter(|check| check.verdict == Verdict::Fail).map(|check| check.name).collect();
    if !missing.is_empty() {
        bail!("`cargo todo deploy` cannot work here yet: {}", missing.join(", "));
    }
    Ok(())
}

fn print(checks: &[Check]) {
    for check in checks {
        check.print();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_box_brings_is_no_failure_where_a_box_can_run() {
        let missing = Check::fail("helm", "not installed", "install it");
        assert_eq!(missing.clone().replaceable(false), missing);
        let replaced = missing.replaceable(true);
        assert_eq!(replaced.verdict, Verdict::Warn);
        assert!(replaced.fix.ends_with("--box"), "{}", replaced.fix);
        assert_eq!(Check::ok("helm", "3").replaceable(true), Check::ok("helm", "3"));
    }
}
