//! Settings, read from the environment once at start.

use std::{fmt::Display, net::IpAddr, str::FromStr, time::Duration};

use axum::http::uri::Authority;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::{
    chat::{self, ChatConfig},
    telemetry::logging::parse_filter,
};

/// Every setting of the service. README lists the variables.
#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: SecretString,
    /// Key of the hash under which session and API tokens are stored.
    pub secret_key: SecretString,
    /// A `tracing` filter: a level, or directives such as `info,sqlx=debug`.
    pub log_level: String,
    /// Origins besides our own whose pages may call the API, e.g. `https://todo.example`.
    pub cors_origins: Vec<String>,
    /// Values of `Host` under which MCP clients may call: a page that had its own name point at us could not.
    pub mcp_allowed_hosts: Vec<String>,
    /// Revision of the source. Not compiled in: the same source text gives the same binary at every commit.
    pub revision: String,
    pub host: IpAddr,
    /// 0 picks a free port.
    pub port: u16,
    /// Port of the listener for `/metrics` and `/log-level`; 0 picks a free port.
    pub metrics_port: u16,
    pub database_max_connections: u32,
    /// Send the session cookie over HTTPS only.
    pub cookie_secure: bool,
    /// How many proxies in front append to `X-Forwarded-For`; that many entries, from the right, are believed.
    pub trusted_proxy_hops: usize,
    pub request_timeout: Duration,
    /// How long to go on serving after SIGTERM while load balancers take notice.
    pub shutdown_drain: Duration,
    /// How long open requests may take after that.
    pub shutdown_timeout: Duration,
    pub chat: ChatConfig,
}

/// Every variable that is wrong, and what is wrong with it. Values are never shown: they may be secrets.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid configuration: {}", .0.join("; "))]
pub struct Invalid(pub Vec<String>);

impl Config {
    pub fn from_env() -> Result<Self, Invalid> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads every variable before it reports, so that one start shows every mistake.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Invalid> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let config = Self {
            database_url: reader.secret("DATABASE_URL", |url| {
                let scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
                match PgConnectOptions::from_str(url) {
                    Ok(_) if scheme => Ok(()),
                    _ => Err("must be a postgres:// URL"),
                }
            }),
            secret_key: reader.secret("SECRET_KEY", |key| {
                if key.chars().count() >= 32 { Ok(()) } else { Err("must have at least 32 characters") }
            }),
            log_level: reader.checked("LOG_LEVEL", "info", |level| {
                parse_filter(level).map(|_| ()).map_err(|_| "must be error, warn, info, debug, trace or a filter")
            }),
            cors_origins: reader.origins("CORS_ORIGINS"),
            mcp_allowed_hosts: reader.hosts("MCP_ALLOWED_HOSTS", "localhost,127.0.0.1,::1"),
            revision: reader.get("REVISION").unwrap_or_else(|| "unknown".into()),
            host: reader.parsed("HOST", IpAddr::from([0, 0, 0, 0]), "must be an IP address"),
            port: reader.parsed("PORT", 8000, "must be a port number"),
            metrics_port: reader.parsed("METRICS_PORT", 9090, "must be a port number"),
            database_max_connections: reader.ranged("DATABASE_MAX_CONNECTIONS", 10, 2, 1000),
            cookie_secure: reader.parsed("COOKIE_SECURE", false, "must be true or false"),
            trusted_proxy_hops: reader.ranged("TRUSTED_PROXY_HOPS", 0, 0, 10),
            request_timeout: reader.seconds("REQUEST_TIMEOUT_SECONDS", 10, 1),
            shutdown_drain: reader.seconds("SHUTDOWN_DRAIN_SECONDS", 5, 0),
            shutdown_timeout: reader.seconds("SHUTDOWN_TIMEOUT_SECONDS", 15, 1),
            chat: ChatConfig {
                base_url: reader.checked("OPENAI_BASE_URL", ChatConfig::BASE_URL, check_base_url),
                model: reader.get("OPENAI_MODEL").unwrap_or_else(|| ChatConfig::MODEL.to_owned()),
                api_key: reader.optional_secret("OPENAI_API_KEY", |key| {
                    if key.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err("must be visible ASCII") }
                }),
                turns_per_minute: reader.ranged("CHAT_TURNS_PER_MINUTE", 20, 1, 1000),
                limits: chat::Limits::default(),
            },
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(Invalid(reader.problems)) }
    }
}

/// Without user and password: they would be shown where the address is.
fn check_base_url(url: &str) -> Result<(), &'static str> {
    let rule = "must be an http:// or https:// URL such as https://api.openai.com/v1";
    let url = reqwest::Url::parse(url).map_err(|_| rule)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(()) } else { Err(rule) }
}

struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// An empty variable counts as unset: that is what an empty `ConfigMap` key gives.
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn problem(&mut self, name: &str, rule: impl Display) {
        self.problems.push(format!("{name} {rule}"));
    }

    fn secret(&mut self, name: &str, check: impl Fn(&str) -> Result<(), &'static str>) -> SecretString {
        let value = SecretString::from(self.get(name).unwrap_or_default());
        if value.expose_secret().is_empty() {
            self.problem(name, "is not set");
        } else if let Err(rule) = check(value.expose_secret()) {
            self.problem(name, rule);
        }
        value
    }

    /// White space around it is a line break that came with `echo` or a file.
    fn optional_secret(
        &mut self,
        name: &str,
        check: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Option<SecretString> {
        let value = SecretString::from(self.get(name)?.trim());
        if let Err(rule) = check(value.expose_secret()) {
            self.problem(name, rule);
        }
        Some(value).filter(|value| !value.expose_secret().is_empty())
    }

    fn checked(&mut self, name: &str, default: &str, check: impl Fn(&str) -> Result<(), &'static str>) -> String {
        let value = self.get(name).unwrap_or_else(|| default.to_owned());
        if let Err(rule) = check(&value) {
            self.problem(name, rule);
        }
        value
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T, rule: &str) -> T {
        match self.get(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, rule);
                default
            }
        }
    }

    fn ranged<T>(&mut self, name: &str, default: T, min: T, max: T) -> T
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

    fn seconds(&mut self, name: &str, default: u64, min: u64) -> Duration {
        Duration::from_secs(self.ranged(name, default, min, 3600))
    }

    fn origins(&mut self, name: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
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

    fn hosts(&mut self, name: &str, default: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_else(|| default.to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[(&str, &str)] =
        &[("DATABASE_URL", "postgres://u:p@db/todo"), ("SECRET_KEY", "0123456789abcdef0123456789abcdef")];

    fn read(overrides: &[(&str, &str)]) -> Result<Config, Invalid> {
        Config::from_lookup(|name| {
            let found = overrides.iter().chain(GOOD).find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_need_only_the_two_secrets() {
        let config = read(&[]).unwrap();
        assert_eq!((config.port, config.metrics_port), (8000, 9090));
        assert_eq!(config.log_level, "info");
    }

    #[test]
    fn every_wrong_variable_is_named_and_no_value_shown() {
        let Invalid(problems) = read(&[
            ("DATABASE_URL", "mysql://root:hunter2@db"),
            ("SECRET_KEY", "tooshort"),
            ("PORT", "eighty"),
            ("CORS_ORIGINS", "https://ok.example, nonsense"),
            ("MCP_ALLOWED_HOSTS", "todo.example, https://nowhere/"),
            ("LOG_LEVEL", "shout"),
            ("TRUSTED_PROXY_HOPS", "99"),
        ])
        .unwrap_err();
        let text = problems.join("\n");
        let names = [
            "DATABASE_URL",
            "SECRET_KEY",
            "PORT",
            "CORS_ORIGINS",
            "MCP_ALLOWED_HOSTS",
            "LOG_LEVEL",
            "TRUSTED_PROXY_HOPS",
        ];
        for name in names {
            assert!(text.contains(name), "{name} missing in {text}");
        }
        for value in ["hunter2", "tooshort", "eighty", "nonsense", "nowhere", "shout"] {
            assert!(!text.contains(value), "{value} shown in {text}");
        }
    }

    #[test]
    fn the_chat_needs_a_key_or_a_server_of_ones_own() {
        for (settings, complete) in [
            (&[][..], false),
            (&[("OPENAI_API_KEY", "")], false),
            (&[("OPENAI_BASE_URL", "https://api.openai.com/v1/")], false),
            (&[("OPENAI_API_KEY", "sk-1\n")], true),
            (&[("OPENAI_BASE_URL", "http://ollama:11434/v1")], true),
        ] {
            assert_eq!(read(settings).unwrap().chat.is_complete(), complete, "{settings:?}");
        }
        let key = read(&[("OPENAI_API_KEY", "sk-1\n")]).unwrap().chat.api_key;
        assert_eq!(key.unwrap().expose_secret(), "sk-1");
        for url in ["ollama:11434/v1", "ftp://host/v1", "https://user:hunter2@host/v1", "https://host/v1?key=hunter2"] {
            let Invalid(problems) = read(&[("OPENAI_BASE_URL", url), ("OPENAI_API_KEY", "hunter2 é")]).unwrap_err();
            assert!(problems[0].starts_with("OPENAI_BASE_URL must be") && problems[1].starts_with("OPENAI_API_KEY"));
            assert!(!problems.join(" ").contains("hunter2"), "{problems:?}");
        }
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        assert_eq!(read(&[("PORT", "")]).unwrap().port, 8000);
        assert_eq!(read(&[("SECRET_KEY", "")]).unwrap_err(), Invalid(vec!["SECRET_KEY is not set".into()]));
    }

    #[test]
    fn allowed_hosts_are_names_addresses_and_ports() {
        let hosts = |value| read(&[("MCP_ALLOWED_HOSTS", value)]).map(|config| config.mcp_allowed_hosts);
        assert_eq!(hosts("").unwrap(), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(hosts("todo.example, [::1]:8000").unwrap(), ["todo.example", "[::1]:8000"]);
        for wrong in [",", "todo.example,", "*", "*.example", "http://todo.example", "todo.example/mcp", "me@there"] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        assert!(!format!("{:?}", read(&[]).unwrap()).contains("0123456789abcdef"));
    }
}
