//! An account that may look at one namespace, except at its Secrets, and change nothing.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    ByteString,
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
        rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{api::PostParams, config::Cluster};
use serde_json::{Value, json};

use crate::kubernetes::{self, FIELD_MANAGER, KubeClient, KubeContext, MANAGED_BY, Namespaced};

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

/// A kubeconfig of the account.
#[derive(Debug)]
pub struct Kubeconfig {
    pub text: String,
    /// The time at which its token expires, in the form that the cluster gives it.
    pub valid_until: String,
}

/// Creates the account, or restores its rights, and gives it a new token.
pub async fn grant(kube: &KubeClient, lifetime: Lifetime) -> Result<Kubeconfig> {
    let KubeContext { name: context, namespace } = &kube.context;
    ensure!(
        kube.namespace().await?.is_some(),
        "there is no namespace {namespace} in context {context}: `cargo todo deploy` makes it, --namespace names another"
    );
    let rights = Rights::new(namespace);
    kube.apply(&rights.service_account).await?;
    kube.apply(&rights.metrics).await?;
    for binding in &rights.bindings {
        kube.apply(binding).await?;
    }
    let token = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(lifetime.seconds.into()), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let accounts = kube.api::<ServiceAccount>();
    let token = kube.request(accounts.create_token_request(NAME, &PostParams::default(), &token)).await?;
    let token = token.status.context("the cluster gives no token")?;
    let text = serde_json::to_string_pretty(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": context, "cluster": cluster(context)? }],
        "users": [{ "name": NAME, "user": { "token": token.token } }],
        "contexts": [{ "name": NAME, "context": { "cluster": context, "user": NAME, "namespace": namespace } }],
        "current-context": NAME,
    }))?;
    Ok(Kubeconfig { text, valid_until: token.expiration_timestamp.0.to_string() })
}

/// How the cluster is reached, without any file of the user's: the certificate of its authority is part of it.
fn cluster(context: &str) -> Result<Cluster> {
    let mut cluster = kubernetes::cluster_of(&kubernetes::read_config()?, context)?;
    if let Some(file) = cluster.certificate_authority.take()
        && cluster.certificate_authority_data.is_none()
    {
        let certificate = std::fs::read(&file).with_context(|| format!("cannot read {file}"))?;
        // Its JSON is base64.
        let encoded = serde_json::to_value(ByteString(certificate))?;
        cluster.certificate_authority_data = encoded.as_str().map(str::to_owned);
    }
    Ok(cluster)
}

/// Whether the text is a kubeconfig of the account, for whatever cluster.
pub fn is_ours(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|config| config["current-context"] == NAME)
}

/// Removes the account; its tokens end with it. Returns whether there was one.
pub async fn revoke(kube: &KubeClient) -> Result<bool> {
    let bindings = delete_all::<RoleBinding>(kube).await?;
    let roles = delete_all::<Role>(kube).await?;
    let accounts = delete_all::<ServiceAccount>(kube).await?;
    Ok(bindings || roles || accounts)
}

/// Deletes the objects of a kind that we have created, and returns whether there were any.
async fn delete_all<K: Namespaced>(kube: &KubeClient) -> Result<bool> {
    let names = kube.names::<K>(&format!("{MANAGED_BY}={FIELD_MANAGER}")).await?;
    for name in &names {
        kube.delete::<K>(name).await?;
    }
    Ok(!names.is_empty())
}

/// The account with its rights, all of them in one namespace.
struct Rights {
    service_account: ServiceAccount,
    metrics: Role,
    bindings: [RoleBinding; 2],
}

impl Rights {
    /// The cluster role `view` is Kubernetes' own: it reads logs and events too, but no Secrets. It lacks what the
    /// metrics server measures, which the other role adds.
    fn new(namespace: &str) -> Self {
        let metadata = |name: &str| ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some([(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned())].into()),
            ..ObjectMeta::default()
        };
        let binding = |name: &str, kind: &str, role: &str| RoleBinding {
            metadata: metadata(name),
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".into(),
                kind: kind.to_owned(),
                name: role.to_owned(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".into(),
                name: NAME.into(),
                namespace: Some(namespace.to_owned()),
                ..Subject::default()
            }]),
        };
        let metrics = format!("{NAME}-metrics");
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        Self {
            service_account: ServiceAccount {
                metadata: metadata(NAME),
                // The account is used from outside of the cluster, so no pod needs its token.
                automount_service_account_token: Some(false),
                ..ServiceAccount::default()
            },
            metrics: Role {
                metadata: metadata(&metrics),
                rules: Some(vec![PolicyRule {
                    api_groups: Some(words(&["metrics.k8s.io"])),
                    resources: Some(words(&["pods"])),
                    verbs: words(&["get", "list"]),
                    ..PolicyRule::default()
                }]),
            },
            bindings: [binding(NAME, "ClusterRole", "view"), binding(&metrics, "Role", &metrics)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit_and_are_not_too_short() {
        for (text, seconds) in [("10m", 600), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(text.parse(), Ok(Lifetime { seconds }));
        }
        for wrong in ["9m", "24", "h", "", "1w", "-1h", "99999999d", "1ž"] {
            assert!(wrong.parse::<Lifetime>().unwrap_err().contains("at least 10m"), "{wrong}");
        }
    }

    #[test]
    fn every_right_is_in_the_namespace() {
        let Rights { service_account, metrics, bindings } = Rights::new("here");
        let metadata = [&service_account.metadata, &metrics.metadata, &bindings[0].metadata, &bindings[1].metadata];
        for metadata in metadata {
            assert_eq!(metadata.namespace.as_deref(), Some("here"), "{metadata:?}");
        }
        for subject in bindings.iter().flat_map(|binding| binding.subjects.iter().flatten()) {
            assert_eq!((subject.name.as_str(), subject.namespace.as_deref()), (NAME, Some("here")));
        }
    }
}
