//! The user's kubeconfig: the files in `KUBECONFIG`, else `~/.kube/config`.

use anyhow::{Context, Result, anyhow};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Cluster, Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Reads the kubeconfig.
pub fn read_config() -> Result<Kubeconfig> {
    Kubeconfig::read().map_err(|error| describe(&error))
}

/// The name of the context that kubectl would use.
pub fn current_context() -> Result<String> {
    let current = read_config()?.current_context.filter(|name| !name.is_empty());
    current.context("the kubeconfig has no current context: name one with --context")
}

/// The cluster of a context. The path of its certificate authority's file is absolute.
pub fn cluster_of(config: &Kubeconfig, context: &str) -> Result<Cluster> {
    let named = config.contexts.iter().find(|named| named.name == context);
    let Some(named) = named.and_then(|named| named.context.as_ref()) else {
        let known: Vec<&str> = config.contexts.iter().map(|named| named.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(anyhow!("the kubeconfig has no context `{context}`; it has: {known}"));
    };
    let cluster = config.clusters.iter().find(|cluster| cluster.name == named.cluster);
    cluster.and_then(|named| named.cluster.clone()).with_context(|| {
        format!("the kubeconfig has no cluster `{}`, which the context `{context}` names", named.cluster)
    })
}

/// The configuration of a client for a context.
pub async fn load(context: &str) -> Result<Config> {
    let kubeconfig = read_config()?;
    let cluster = cluster_of(&kubeconfig, context)?;
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config =
        config.map_err(|error| describe(&error).context(format!("the context `{context}` cannot be used")))?;
    // A request that fails is repeated by its caller, or reported at once.
    config.default_retry = false;
    // kube 5.0 holds NO_PROXY against the address of the proxy itself. As for kubectl, it is for the address of the API
    // server, and this machine is never reached through a proxy.
    let direct =
        is_local(&config.cluster_url.to_string()) || Matcher::from_env().intercept(&config.cluster_url).is_none();
    if cluster.proxy_url.is_none() && direct {
        config.proxy_url = None;
    }
    Ok(config)
}

/// Whether an API server's address is on this machine.
pub fn is_local(server: &str) -> bool {
    let Ok(url) = url::Url::parse(server) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name == "kubernetes.docker.internal",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Describes the error without the lines of the file that it quotes, since they may contain a token or a key.
fn describe(error: &KubeconfigError) -> anyhow::Error {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => anyhow!("the kubeconfig is not valid: line {}, column {}", at.line(), at.column()),
            None => anyhow!("the kubeconfig is not valid"),
        },
        KubeconfigError::ReadConfig(reason, path) => anyhow!("cannot read the kubeconfig {}: {reason}", path.display()),
        other => anyhow!("the kubeconfig: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
clusters: [{ name: c, cluster: { server: 'https://127.0.0.1:6443' } }]
contexts: [{ name: here, context: { cluster: c, user: u } }, { name: broken, context: { cluster: gone } }]
";

    #[test]
    fn a_missing_context_is_named_with_those_there_are() {
        let config = Kubeconfig::from_yaml(CONFIG).unwrap();
        assert_eq!(cluster_of(&config, "here").unwrap().server.as_deref(), Some("https://127.0.0.1:6443"));
        let error = cluster_of(&config, "nowhere").unwrap_err().to_string();
        assert!(error.contains("`nowhere`") && error.contains("here, broken"), "{error}");
        assert!(cluster_of(&config, "broken").unwrap_err().to_string().contains("no cluster `gone`"));
    }

    #[test]
    fn an_invalid_file_is_not_quoted() {
        let error = Kubeconfig::from_yaml("users:\n- name: u\n  user: { token: canary, token: canary ").unwrap_err();
        let error = format!("{:#}", describe(&error));
        assert!(error.contains("not valid") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_server_elsewhere_is_foreign() {
        for local in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"] {
            assert!(is_local(local), "{local}");
        }
        for foreign in ["https://10.0.0.1:6443", "https://127.0.0.1.example.com", "https://localhost.example.com", ""] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
