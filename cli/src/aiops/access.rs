//! An account that may look at one namespace, except at its Secrets, and change nothing.

use std::{fmt, str::FromStr};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kubectl::{Kubectl, MADE_BY, MADE_BY_US};

/// The name of the account, and of the objects that give it its rights.
pub const NAME: &str = "todo-ai";

/// How long a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    seconds: u32,
}

impl Lifetime {
    /// Kubernetes issues no token that is valid for less.
    const SHORTEST: Self = Self { seconds: 600 };
    pub const AN_HOUR: Self = Self { seconds: 3600 };
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let unit = match text.chars().last()? {
                'm' => 60,
                'h' => 3600,
                'd' => 86400,
                _ => return None,
            };
            text[..text.len() - 1].parse::<u32>().ok()?.checked_mul(unit)
        };
        match parse() {
            Some(seconds) if seconds >= Self::SHORTEST.seconds => Ok(Self { seconds }),
            _ => Err("a number with m, h or d is wanted, at least 10m; such as 24h".into()),
        }
    }
}

/// The form that `kubectl create token --duration` takes.
impl fmt::Display for Lifetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}s", self.seconds)
    }
}

/// A kubeconfig of the account.
#[derive(Debug)]
pub struct Kubeconfig {
    pub text: String,
    /// The time at which its token expires, in the form that the cluster gives it.
    pub until: String,
}

#[derive(Deserialize)]
struct TokenRequest {
    status: Token,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    token: String,
    expiration_timestamp: String,
}

/// Creates the account, or restores its rights, and gives it a new token.
pub async fn grant(kubectl: &Kubectl, lifetime: Lifetime) -> Result<Kubeconfig> {
    ensure!(
        kubectl.has_namespace().await?,
        "there is no namespace {} in context {}: `cargo todo deploy` makes it, --namespace names another",
        kubectl.namespace,
        kubectl.context
    );
    kubectl.apply(&account(&kubectl.namespace)).await?;
    let token: TokenRequest = kubectl.json(&["create", "token", NAME, &format!("--duration={lifetime}")]).await?;
    // This prints the credentials of every user as well; only the address of the cluster is taken from it.
    let known: Value = kubectl.json(&["config", "view", "--minify", "--flatten", "--raw"]).await?;
    let cluster = known["clusters"].get(0).and_then(|named| named.get("cluster"));
    let cluster = cluster.with_context(|| format!("the context {} names no cluster", kubectl.context))?;
    let text = serde_json::to_string_pretty(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": kubectl.context, "cluster": cluster }],
        "users": [{ "name": NAME, "user": { "token": token.status.token } }],
        "contexts": [{
            "name": NAME,
            "context": { "cluster": kubectl.context, "user": NAME, "namespace": kubectl.namespace },
        }],
        "current-context": NAME,
    }))?;
    Ok(Kubeconfig { text, until: token.status.expiration_timestamp })
}

/// Whether the text is a kubeconfig of the account, for whatever cluster.
pub fn is_ours(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|config| config["current-context"] == NAME)
}

/// Removes the account; its tokens end with it. Returns whether there was one.
pub async fn revoke(kubectl: &Kubectl) -> Result<bool> {
    let selector = format!("--selector={MADE_BY}={MADE_BY_US}");
    let kinds = "rolebindings,roles,serviceaccounts";
    let removed = kubectl.text(&["delete", kinds, &selector, "--ignore-not-found", "--output=name"]).await?;
    Ok(!removed.trim().is_empty())
}

/// The cluster role `view` is Kubernetes' own: it reads logs and events too, but no Secrets. It lacks what the metrics
/// server measures, which the other role adds.
fn account(namespace: &str) -> Value {
    let metadata = |name: &str| json!({ "name": name, "namespace": namespace, "labels": { MADE_BY: MADE_BY_US } });
    let binding = |name: &str, kind: &str, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata(name),
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": namespace }],
        })
    };
    let metrics = format!("{NAME}-metrics");
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": metadata(NAME),
                // The account is used from outside of the cluster, so no pod needs its token.
                "automountServiceAccountToken": false,
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": metadata(&metrics),
                "rules": [{ "apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["get", "list"] }],
            },
            binding(NAME, "ClusterRole", "view"),
            binding(&metrics, "Role", &metrics),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit_and_are_not_too_short() {
        for (text, seconds) in [("10m", "600s"), ("24h", "86400s"), ("7d", "604800s")] {
            assert_eq!(text.parse::<Lifetime>().unwrap().to_string(), seconds);
        }
        for wrong in ["9m", "24", "h", "", "1w", "-1h", "99999999d", "1ž"] {
            assert!(wrong.parse::<Lifetime>().unwrap_err().contains("at least 10m"), "{wrong}");
        }
    }

    #[test]
    fn every_right_is_in_the_namespace() {
        let account = account("here");
        let items = account["items"].as_array().unwrap();
        assert_eq!(items.len(), 4);
        for item in items {
            assert_eq!(item["metadata"]["namespace"], "here", "{item}");
            assert!(!item["kind"].as_str().unwrap().starts_with("Cluster"), "{item}");
        }
    }
}
