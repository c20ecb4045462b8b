//! Reading environment variables so that one start reports every mistake.

use std::{fmt::Display, net::IpAddr, str::FromStr, time::Duration};

use axum::http::uri::Authority;
use secrecy::{ExposeSecret, SecretString};

/// Reads one variable after another, and collects what is wrong with them.
pub struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub const fn new(lookup: F) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// Each wrong variable, with the rule that it breaks. Values are never shown: they may be secrets.
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// An empty variable counts as unset, because that is what an empty `ConfigMap` key gives.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn problem(&mut self, name: &str, rule: impl Display) {
        self.problems.push(format!("{name} {rule}"));
    }

    pub fn secret(&mut self, name: &str, check: impl Fn(&str) -> Result<(), &'static str>) -> SecretString {
        let value = SecretString::from(self.text(name).unwrap_or_default());
        if value.expose_secret().is_empty() {
            self.problem(name, "is not set");
        } else if let Err(rule) = check(value.expose_secret()) {
            self.problem(name, rule);
        }
        value
    }

    /// White space around the value is removed: it is a line break that came with `echo` or a file.
    pub fn optional_secret(
        &mut self,
        name: &str,
        check: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Option<SecretString> {
        let value = SecretString::from(self.text(name)?.trim());
        if let Err(rule) = check(value.expose_secret()) {
            self.problem(name, rule);
        }
        Some(value).filter(|value| !value.expose_secret().is_empty())
    }

    pub fn checked(&mut self, name: &str, default: &str, check: impl Fn(&str) -> Result<(), &'static str>) -> String {
        let value = self.text(name).unwrap_or_else(|| default.to_owned());
        if let Err(rule) = check(&value) {
            self.problem(name, rule);
        }
        value
    }

    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T, rule: &str) -> T {
        match self.text(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, rule);
                default
            }
        }
    }

    pub fn ranged<T>(&mut self, name: &str, default: T, min: T, max: T) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let rule = format!("must be a number from {min} to {max}");
        let value = self.parsed(name, default, &rule);
        if value < min || value > max {
            self.problem(name, rule);
        }
        value
    }

    pub fn seconds(&mut self, name: &str, default: u64, min: u64) -> Duration {
        Duration::from_secs(self.ranged(name, default, min, 3600))
    }

    pub fn origins(&mut self, name: &str) -> Vec<String> {
        let value = self.text(name).unwrap_or_default();
        let origins: Vec<_> = value.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
        let is_origin = |origin: &&str| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']))
        };
        if !origins.iter().all(is_origin) {
            self.problem(name, "must be a comma-separated list of origins such as https://todo.example");
        }
        origins.into_iter().map(str::to_owned).collect()
    }

    pub fn hosts(&mut self, name: &str, default: &str) -> Vec<String> {
        let value = self.text(name).unwrap_or_else(|| default.to_owned());
        let hosts: Vec<_> = value.split(',').map(|host| host.trim().to_owned()).collect();
        let is_host = |host: &String| {
            let bare = host.parse::<IpAddr>().is_ok();
            bare || host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains(['@', '*']))
        };
        // An empty list would allow every host.
        if !hosts.iter().all(is_host) {
            self.problem(name, "must be a comma-separated list of hosts such as todo.example or localhost:8000");
        }
        hosts
    }
}
