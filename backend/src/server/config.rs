//! Settings, read from the environment once at start.

use std::{net::IpAddr, str::FromStr, time::Duration};

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;

use super::environment::Reader;
use crate::{
    chat::{self, Budget, ChatConfig},
    tasks::Quota,
    telemetry::logging::parse_filter,
};

/// Largest daily budget, which is none in practice.
const MAX_BUDGET: i64 = 1_000_000_000_000;

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
    /// Values of `Host` under which MCP clients may call. They keep out a page whose own name has been made to lead to
    /// this server.
    pub mcp_allowed_hosts: Vec<String>,
    /// Revision of the source. It is not compiled in, so that the same source text gives the same binary at every
    /// commit.
    pub revision: String,
    pub host: IpAddr,
    /// 0 picks a free port.
    pub port: u16,
    /// Port of the listener for `/metrics` and `/log-level`; 0 picks a free port.
    pub metrics_port: u16,
    pub database_max_connections: u32,
    /// Hashes of passwords that are computed at once. Each takes 19 MiB.
    pub password_hash_concurrency: usize,
    /// Accounts that one address may create in an hour.
    pub sign_ups_per_hour: i32,
    pub max_sessions_per_user: u32,
    pub max_tokens_per_user: u32,
    pub task_quota: Quota,
    /// Streams of one user at a time, on this replica: events, answers of the chat, and exports.
    pub max_streams_per_user: usize,
    /// Connections of clients that are open at a time. Most systems allow a process 1024 descriptors.
    pub http_max_connections: usize,
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
        let mut reader = Reader::new(lookup);
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
            revision: reader.text("REVISION").unwrap_or_else(|| "unknown".into()),
            host: reader.parsed("HOST", IpAddr::from([0, 0, 0, 0]), "must be an IP address"),
            port: reader.parsed("PORT", 8000, "must be a port number"),
            metrics_port: reader.parsed("METRICS_PORT", 9090, "must be a port number"),
            database_max_connections: reader.ranged("DATABASE_MAX_CONNECTIONS", 10, 2, 1000),
            password_hash_concurrency: reader.ranged("PASSWORD_HASH_CONCURRENCY", 2, 1, 64),
            sign_ups_per_hour: reader.ranged("SIGN_UPS_PER_HOUR", 20, 1, 1_000_000),
            max_sessions_per_user: reader.ranged("MAX_SESSIONS_PER_USER", 50, 1, 10_000),
            max_tokens_per_user: reader.ranged("MAX_TOKENS_PER_USER", 50, 1, 10_000),
            task_quota: Quota {
                tasks: reader.ranged("MAX_TASKS_PER_USER", 50_000, 1, i32::MAX.unsigned_abs()),
                bytes: reader.ranged("MAX_TASK_BYTES_PER_USER", 32 * 1024 * 1024, 1, i32::MAX.unsigned_abs()),
            },
            max_streams_per_user: reader.ranged("MAX_STREAMS_PER_USER", 20, 1, 1000),
            http_max_connections: reader.ranged("HTTP_MAX_CONNECTIONS", 800, 8, 100_000),
            cookie_secure: reader.parsed("COOKIE_SECURE", false, "must be true or false"),
            trusted_proxy_hops: reader.ranged("TRUSTED_PROXY_HOPS", 0, 0, 10),
            request_timeout: reader.seconds("REQUEST_TIMEOUT_SECONDS", 10, 1),
            shutdown_drain: reader.seconds("SHUTDOWN_DRAIN_SECONDS", 5, 0),
            shutdown_timeout: reader.seconds("SHUTDOWN_TIMEOUT_SECONDS", 15, 1),
            chat: ChatConfig {
                base_url: reader.checked("OPENAI_BASE_URL", ChatConfig::BASE_URL, check_base_url),
                model: reader.text("OPENAI_MODEL").unwrap_or_else(|| ChatConfig::MODEL.to_owned()),
                api_key: reader.optional_secret("OPENAI_API_KEY", |key| {
                    if key.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err("must be visible ASCII") }
                }),
                turns_per_minute: reader.ranged("CHAT_TURNS_PER_MINUTE", 20, 1, 1000),
                max_turns_per_user: reader.ranged("MAX_TURNS_PER_USER", 3, 1, 1000),
                max_turns: reader.ranged("MAX_TURNS", 32, 1, 1000),
                max_conversations_per_user: reader.ranged("MAX_CONVERSATIONS_PER_USER", 1000, 1, 1_000_000),
                user_budget: Budget {
                    turns: reader.ranged("CHAT_TURNS_PER_DAY", 500, 1, MAX_BUDGET),
                    tokens: reader.ranged("CHAT_TOKENS_PER_DAY", 2_000_000, 1, MAX_BUDGET),
                },
                total_budget: Budget {
                    turns: reader.ranged("CHAT_TOTAL_TURNS_PER_DAY", 10_000, 1, MAX_BUDGET),
                    tokens: reader.ranged("CHAT_TOTAL_TOKENS_PER_DAY", 20_000_000, 1, MAX_BUDGET),
                },
                limits: chat::Limits {
                    stall: reader.seconds("CHAT_TURN_TIMEOUT_SECONDS", 60, 5),
                    ..chat::Limits::default()
                },
            },
        };
        let problems = reader.into_problems();
        if problems.is_empty() { Ok(config) } else { Err(Invalid(problems)) }
    }

    /// Streams of this process at a time. They leave connections for other requests.
    pub fn max_streams(&self) -> usize {
        self.http_max_connections * 3 / 4
    }
}

/// User and password are refused, because they would be shown where the address is shown.
fn check_base_url(url: &str) -> Result<(), &'static str> {
    let rule = "must be an http:// or https:// URL such as https://api.openai.com/v1";
    let url = reqwest::Url::parse(url).map_err(|_| rule)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(()) } else { Err(rule) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

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
        assert_eq!(config.chat.limits.stall, Duration::from_mins(1));
        let config = read(&[("CHAT_TURN_TIMEOUT_SECONDS", "600")]).unwrap();
        assert_eq!(config.chat.limits.stall, Duration::from_mins(10));
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
