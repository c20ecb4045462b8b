//! The inputs of each image are listed in several places, since each tool reads its own format. These tests compare the
//! lists: a missing file would break only one kind of build, and would be noticed late.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::BTreeSet;

use todo::{
    images::{RECIPES, Recipe},
    workspace::Workspace,
};

type Paths = BTreeSet<String>;

fn read(path: &str) -> String {
    std::fs::read_to_string(Workspace::find().unwrap().path(path)).unwrap()
}

/// The text between the first `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("there is no `{start}`")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("there is no `{end}` after `{start}`")).0
}

/// The directories of the workspace's members.
fn members() -> Paths {
    let list = read("Cargo.toml");
    let list = between(&list, "members = [", "]");
    list.split(',')
        .map(|member| member.trim().trim_matches('"').to_owned())
        .filter(|member| !member.is_empty())
        .collect()
}

fn manifests() -> Paths {
    members().into_iter().map(|member| format!("{member}/Cargo.toml")).collect()
}

fn recipe(name: &str) -> &'static Recipe {
    RECIPES.iter().find(|recipe| recipe.part.name == name).unwrap()
}

/// The input files of a recipe, except its Dockerfile.
fn inputs(name: &str) -> Paths {
    let recipe = recipe(name);
    recipe.inputs.iter().filter(|input| **input != recipe.dockerfile).map(|&input| input.to_owned()).collect()
}

/// The paths that a `.dockerignore` includes, from the root of the repository.
fn allowed(name: &str) -> Paths {
    let context = recipe(name).context;
    let list = read(&format!("{context}/.dockerignore"));
    let prefix = if context == "." { String::new() } else { format!("{context}/") };
    list.lines().filter_map(|line| line.strip_prefix('!')).map(|path| format!("{prefix}{path}")).collect()
}

/// The paths that an attribute of `nix/sources.nix` lists, from the root of the repository.
fn nix_source(start: &str, end: &str) -> Paths {
    let sources = read("nix/sources.nix");
    let words = between(&sources, start, end).split_whitespace();
    words.filter_map(|word| word.strip_prefix("../")).map(|path| path.trim_end_matches(';').to_owned()).collect()
}

/// Removes the manifests of members that are not built, which cargo only reads.
fn without_other_manifests(paths: Paths) -> Paths {
    let own = "backend/Cargo.toml";
    let others = manifests();
    paths.into_iter().filter(|path| path == own || !others.contains(path)).collect()
}

#[test]
fn docker_gets_the_inputs_of_the_backend() {
    assert_eq!(without_other_manifests(allowed("backend")), inputs("backend"));
}

#[test]
fn nix_gets_the_inputs_of_the_backend() {
    let mut paths = nix_source("\n  backend = source", "\n  );");
    paths.extend(nix_source("\n  manifests = [", "\n  ];"));
    assert_eq!(without_other_manifests(paths), inputs("backend"));
}

#[test]
fn docker_gets_the_inputs_of_the_frontend() {
    assert_eq!(allowed("frontend"), inputs("frontend"));
}

#[test]
fn nix_gets_the_inputs_of_the_frontend() {
    let mut paths = nix_source("\n  frontend = ", "\n  };");
    assert!(paths.remove("frontend"), "the root of the source");
    // npm reads the lock file in a separate build, which creates node_modules.
    let lock = "frontend/package-lock.json";
    assert!(nix_source("\n  node-modules = ", "\n  };").contains(lock));
    paths.insert(lock.into());
    assert_eq!(paths, inputs("frontend"));
}

#[test]
fn every_build_gets_the_manifests_of_all_members() {
    let expected = manifests();
    let manifests_in = |paths: Paths| paths.into_iter().filter(|path| path.ends_with("/Cargo.toml")).collect::<Paths>();
    assert_eq!(manifests_in(allowed("backend")), expected, ".dockerignore");
    assert_eq!(manifests_in(nix_source("\n  manifests = [", "\n  ];")), expected, "nix/sources.nix");
    let dockerfile = read("backend/Dockerfile");
    let copied = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).flat_map(str::split_whitespace);
    assert_eq!(manifests_in(copied.map(str::to_owned).collect()), expected, "backend/Dockerfile");
}

#[test]
fn every_build_has_a_placeholder_for_each_member() {
    let dockerfile = read("backend/Dockerfile");
    let placeholders = between(&dockerfile, "mkdir -p ", "cargo build").split("touch ").skip(1);
    let docker: Paths = placeholders
        .flat_map(|files| files.split("&&").next().unwrap_or_default().split_whitespace())
        .map(str::to_owned)
        .collect();
    let package = read("nix/rust-package.nix");
    let nix: Paths =
        between(&package, r#"touch -a ${file}\n") ["#, "];").split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(docker, nix, "backend/Dockerfile and nix/rust-package.nix");
    for member in members() {
        assert!(docker.contains(&format!("{member}/src/lib.rs")), "{member} has no placeholder");
    }
}
