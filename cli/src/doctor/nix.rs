//! Nix, where it is installed: whether it can build what runs in the cluster, which is always for Linux.

use serde::Deserialize;

use super::{Check, programs::first_line};
use crate::tool;

/// The part of `nix config show --json` that matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Settings {
    system: Setting<String>,
    extra_platforms: Setting<Vec<String>>,
    /// Machines, or `@` and the file that names them.
    builders: Setting<String>,
    external_builders: Setting<Vec<ExternalBuilder>>,
    experimental_features: Setting<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
struct Setting<T> {
    value: T,
}

#[derive(Debug, Deserialize)]
struct ExternalBuilder {
    systems: Vec<String>,
}

/// Returns `None` where Nix is not installed, since everything works without it.
pub async fn nix() -> Option<Check> {
    let version = first_line("nix", &["--version"]).await?;
    // A Nix without flakes refuses the command.
    let shown = tool::json::<Settings>(tool::command("nix", ["config", "show", "--json"])).await;
    let settings = shown.unwrap_or_default();
    let machines = settings.builders.value.strip_prefix('@').map(std::fs::read_to_string);
    let machines = machines.map_or_else(|| settings.builders.value.clone(), Result::unwrap_or_default);
    Some(evaluate(&version, &settings, &machines))
}

fn evaluate(version: &str, settings: &Settings, machines: &str) -> Check {
    let enabled = &settings.experimental_features.value;
    if !["nix-command", "flakes"].iter().all(|feature| enabled.iter().any(|enabled| enabled == feature)) {
        let fix = "Nix 2.31 or newer, with `experimental-features = nix-command flakes` in ~/.config/nix/nix.conf";
        return Check::warn("nix", format!("{version}, too old or without flakes"), fix);
    }
    let system = &settings.system.value;
    let linux = system.replace("darwin", "linux");
    let here = *system == linux || settings.extra_platforms.value.contains(&linux);
    let external = settings.external_builders.value.iter().any(|builder| builder.systems.contains(&linux));
    // The second word of a machine's line.
    let remote = machines
        .split([';', '\n'])
        .filter_map(|machine| machine.split_whitespace().nth(1))
        .any(|systems| systems.split(',').any(|system| system == linux));
    if here || external || remote {
        Check::ok("nix", format!("{version}, builds for {linux}"))
    } else {
        Check::warn(
            "nix",
            format!("{version}, has no machine that builds for {linux}, as images need"),
            "set one up: nix-darwin's `nix.linux-builder.enable = true`, Determinate Nix's native Linux builder, or a \
             line in /etc/nix/machines; or build with Docker: `cargo todo deploy`",
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{Check, Verdict},
        Settings, evaluate,
    };

    fn evaluated(system: &str, others: &Value, machines: &str) -> Check {
        let mut settings = json!({
            "system": { "value": system, "description": "…" },
            "experimental-features": { "value": ["flakes", "nix-command"] },
        });
        settings.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        evaluate("nix 2.34", &serde_json::from_value::<Settings>(settings).unwrap(), machines)
    }

    #[test]
    fn linux_builds_for_itself() {
        assert_eq!(evaluated("x86_64-linux", &json!({}), "").verdict, Verdict::Ok);
    }

    #[test]
    fn macos_needs_someone_who_builds_for_linux() {
        let none = evaluated("aarch64-darwin", &json!({}), "ssh://other x86_64-linux,i686-linux - 4");
        assert_eq!(none.verdict, Verdict::Warn);
        assert!(none.found.contains("aarch64-linux") && none.fix.contains("linux-builder"), "{none:?}");

        let machine = "# the builder\nssh-ng://linux-builder aarch64-linux,armv7l-linux /etc/nix/key 4\n";
        assert_eq!(evaluated("aarch64-darwin", &json!({}), machine).verdict, Verdict::Ok);
        let external = json!({ "external-builders": { "value": [{ "systems": ["aarch64-linux"], "program": "/x" }] } });
        assert_eq!(evaluated("aarch64-darwin", &external, "").verdict, Verdict::Ok);
        let emulated = json!({ "extra-platforms": { "value": ["aarch64-linux"] } });
        assert_eq!(evaluated("aarch64-darwin", &emulated, "").verdict, Verdict::Ok);
    }

    #[test]
    fn a_nix_without_flakes_gets_the_way_to_them() {
        let check = evaluate("nix 2.34", &Settings::default(), "");
        assert!(check.verdict == Verdict::Warn && check.fix.contains("experimental-features"), "{check:?}");
    }
}
