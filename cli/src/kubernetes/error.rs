//! Messages for requests that fail: which context and namespace they were about, why, and what the user can do. They
//! never contain credentials, which some errors of `kube` quote.

use std::error::Error as StdError;

use anyhow::anyhow;
use kube::{Error, client::AuthError, core::Status};

use super::KubeContext;

pub fn describe(error: &Error, context: &KubeContext, server: &str) -> anyhow::Error {
    let KubeContext { name, namespace } = context;
    match error {
        Error::Api(status) if status.code == 401 => {
            anyhow!("the cluster of context {name} does not accept its credentials: sign in to it again")
        }
        Error::Api(status) if status.is_forbidden() => anyhow!(
            "the user of context {name} may not do this in namespace {namespace}: {}; \
             choose a user who may with --context, or ask for that right",
            message(status)
        ),
        Error::Api(status) => {
            anyhow!("the cluster of context {name} refuses a request in namespace {namespace}: {}", message(status))
        }
        Error::Auth(error) => anyhow!("the credentials of context {name} cannot be had: {}", credentials(error)),
        Error::Service(error) => unreachable(context, server, &causes(error.as_ref())),
        Error::HyperError(error) => unreachable(context, server, &causes(error)),
        Error::ProxyProtocolUnsupported { .. } | Error::ProxyProtocolDisabled { .. } => {
            anyhow!("the proxy of context {name} is of a kind that is not supported: use one with http:// or https://")
        }
        // The error quotes the answer, which may be a Secret.
        Error::SerdeError(_) => anyhow!("the cluster of context {name} gave an answer that is not understood"),
        other => anyhow!("a request to the cluster of context {name}, namespace {namespace}, failed: {other}"),
    }
}

/// The error for an API server that cannot be reached or does not answer.
pub fn unreachable(context: &KubeContext, server: &str, reason: &str) -> anyhow::Error {
    let name = &context.name;
    anyhow!(
        "the API server of context {name} ({server}) does not answer: {reason}; \
         is the cluster running, and is {name} the right context?"
    )
}

fn message(status: &Status) -> &str {
    if status.message.is_empty() { &status.reason } else { &status.message }
}

/// An exec plugin's standard error goes to the terminal; its standard output may hold a token.
fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("the program for that does not run: {error}"),
        AuthError::AuthExecRun { out, .. } => format!("the program for that failed ({})", out.status),
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => "the program for that gives none".into(),
        AuthError::ReadTokenFile(error, path) => format!("cannot read {}: {error}", path.display()),
        _ => "its user in the kubeconfig is not valid".into(),
    }
}

/// An error and its causes, each of them once.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(error: &Error) -> String {
        let context = KubeContext { name: "minikube".into(), namespace: "todo".into() };
        format!("{:#}", describe(error, &context, "https://127.0.0.1:1"))
    }

    #[test]
    fn a_refusal_names_the_right_the_namespace_and_the_way_out() {
        let status = Status::failure("pods is forbidden: User \"x\" cannot list resource \"pods\"", "Forbidden");
        let text = described(&Error::Api(status.with_code(403).boxed()));
        for part in ["context minikube", "namespace todo", "cannot list resource", "--context"] {
            assert!(text.contains(part), "{text}");
        }
        let text = described(&Error::Api(Status::failure("Unauthorized", "Unauthorized").with_code(401).boxed()));
        assert!(text.contains("does not accept its credentials"), "{text}");
    }

    #[test]
    fn what_a_program_for_credentials_printed_is_not_shown() {
        let output = std::process::Command::new("sh").args(["-c", "echo canary; exit 3"]).output().unwrap();
        let text = described(&Error::Auth(AuthError::AuthExecRun { cmd: "canary".into(), out: Box::new(output) }));
        assert!(text.contains("exit status: 3") && !text.contains("canary"), "{text}");
    }
}
