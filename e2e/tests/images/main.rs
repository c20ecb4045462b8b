//! What the Dockerfiles make, built by the Docker that is reachable from here.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod support;

use std::path::Path;

use support::{Tree, backend, docker, frontend, images};
use todo_e2e::release::root;

/// The budgets' unit in bytes. Sizes are those of uncompressed images.
const MEGABYTE: u64 = 1_000_000;

#[test]
fn sc_008_images_are_within_their_budgets() {
    // They are read when the test runs: the flake compiles this package without them.
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let budgets: serde_json::Value = serde_json::from_str(&read("nix/budgets.json")).unwrap();
    let decisions = read("docs/decisions.md");
    for image in images() {
        let budget = budgets[format!("todo-{}", image.name)].as_u64().unwrap();
        assert!(decisions.contains(&format!("the {} {budget} MB", image.name)), "docs/decisions.md has another budget");
        let size: u64 = image.inspect("{{.Size}}").parse().unwrap();
        println!("measured: SC-008 {} image | {budget} MB | {} MB", image.name, size.div_ceil(MEGABYTE));
        assert!(size <= budget * MEGABYTE, "{} has {size} bytes", image.name);
    }
}

#[test]
fn images_hold_no_shell_no_package_manager_and_no_development_dependency() {
    let unwanted = ["sh", "bash", "dash", "busybox", "apt", "apt-get", "apk", "dpkg", "npm", "npx", "yarn", "cargo"];
    let packages = ["typescript", "vitest", "@playwright", "@biomejs", "esbuild", "tailwindcss", "knip"];
    for image in images() {
        let files = image.files();
        assert!(files.iter().any(|file| file.starts_with("bin/")), "{} has no program: {files:?}", image.name);
        for file in &files {
            let name = file.rsplit('/').next().unwrap();
            let program = file.contains("bin/") && unwanted.contains(&name);
            let package = packages.iter().any(|package| file.contains(&format!("node_modules/{package}/")));
            let native = Path::new(file).extension().is_some_and(|extension| extension == "node");
            assert!(!program && !package && !native, "{} holds {file}", image.name);
        }
    }
}

#[test]
fn images_run_as_nobody_in_particular_and_say_what_they_are() {
    for plain in images() {
        let layers = plain.inspect("{{json .RootFS.Layers}}");
        let image = plain.with(&["VERSION=1.2.3", "REVISION=0123abc"]);
        let labels = image.inspect("{{json .Config.Labels}}");
        assert_eq!(image.inspect("{{.Config.User}}"), "10001:10001");
        assert!(labels.contains(r#""org.opencontainers.image.version":"1.2.3""#), "{labels}");
        assert!(labels.contains(r#""org.opencontainers.image.revision":"0123abc""#), "{labels}");
        // A version is no reason to build anything: only the labels differ.
        assert_eq!(image.inspect("{{json .RootFS.Layers}}"), layers);
    }
}

#[test]
fn images_run_with_a_read_only_root_and_without_capabilities() {
    let restricted =
        ["run", "--rm", "--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    let openapi = docker(&[&restricted[..], &[&backend().build(), "openapi"]].concat());
    assert!(openapi.contains("/api/tasks"), "{openapi}");
    // Node.js contains the certificate authorities.
    let count = "console.log(`authorities ${require('tls').rootCertificates.length}`)";
    let output = docker(&[&restricted[..], &[&frontend().build(), "--eval", count]].concat());
    let authorities: usize = output.trim().strip_prefix("authorities ").unwrap().parse().unwrap();
    assert!(authorities > 100, "{output}");
    assert!(backend().files().iter().any(|file| file == "etc/ssl/certs/ca-certificates.crt"));
}

#[test]
fn secrets_in_the_tree_cannot_enter_an_image() {
    let tree = Tree::copy();
    let secrets =
        [".env", "backend/.env", "backend/src/.env.local", "backend/src/auth/signing.key", "backend/notes.txt"];
    let frontend = ["frontend/.env", "frontend/.env.production", "frontend/src/tls.pem", "frontend/secrets/token"];
    for file in secrets.iter().chain(&frontend) {
        tree.write(file, "CANARY=canary-5f1c9d\n");
    }
    for image in images() {
        // The very same image: the files did not even reach the build.
        let (name, clean) = (image.name, image.build());
        assert_eq!(image.of(&tree).build(), clean, "{name}");
    }
}

#[test]
fn a_changed_source_leaves_the_dependencies_alone() {
    let tree = Tree::copy();
    for file in ["backend/src/lib.rs", "frontend/src/server/main.ts"] {
        tree.write(file, &format!("{}\n// changed\n", tree.read(file)));
    }
    for image in images() {
        let (name, image) = (image.name, image.stage("dependencies"));
        let before = image.build();
        assert_eq!(image.of(&tree).build(), before, "{name}");
    }
}

#[test]
fn a_changed_lock_file_reaches_the_dependencies() {
    let tree = Tree::copy();
    tree.write("frontend/package-lock.json", "no lock file");
    let error = frontend().of(&tree).stage("dependencies").try_build().unwrap_err();
    assert!(error.contains("npm"), "{error}");
}
