//! What each image is built from is listed in several places, since each tool reads a format of its own. Here they are
//! held equal: a file that one list lacks is missing in one kind of build only, and is noticed late.

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

/// The files of a recipe that reach the build through its context.
fn inputs(name: &str) -> Paths {
    let recipe = recipe(name);
    recipe.inputs.iter().filter(|input| **input != recipe.dockerfile).map(|&input| input.to_owned()).collect()
}

/// What a `.dockerignore` lets into the build, as paths from the root of the repository.
fn allowed(name: &str) -> Paths {
    let context = recipe(name).context;
    let list = read(&format!("{context}/.dockerignore"));
    let prefix = if context == "." { String::new() } else { format!("{context}/") };
    list.lines().filter_map(|line| line.strip_prefix('!')).map(|path| format!("{prefix}{path}")).collect()
}

/// The paths that an attribute of `nix/sources.nix` lists, as paths from the root of the repository.
fn source(start: &str, end: &str) -> Paths {
    let sources = read("nix/sources.nix");
    let words = between(&sources, start, end).split_whitespace();
    words.filter_map(|word| word.strip_prefix("../")).map(|path| path.trim_end_matches(';').to_owned()).collect()
}

/// What cargo reads of members that are not built: their manifests.
fn without_other_manifests(paths: Paths) -> Paths {
    let own = "backend/Cargo.toml";
    let others = manifests();
    paths.into_iter().filter(|path| path == own || !others.contains(path)).collect()
}

#[test]
fn docker_is_given_what_the_backend_is_built_from() {
    assert_eq!(without_other_manifests(allowed("backend")), inputs("backend"));
}

#[test]
fn nix_is_given_what_the_backend_is_built_from() {
    let mut source = source("\n  backend = source", "\n  );");
    source.extend(self::source("\n  manifests = [", "\n  ];"));
    assert_eq!(without_other_manifests(source), inputs("backend"));
}

#[test]
fn docker_is_given_what_the_frontend_is_built_from() {
    assert_eq!(allowed("frontend"), inputs("frontend"));
}

#[test]
fn nix_is_given_what_the_frontend_is_built_from() {
    let mut source = source("\n  frontend = ", "\n  };");
    assert!(source.remove("frontend"), "the root of the source");
    // npm reads it in a build of its own, which makes node_modules.
    let lock = "frontend/package-lock.json";
    assert!(self::source("\n  node-modules = ", "\n  };").contains(lock));
    source.insert(lock.into());
    assert_eq!(source, inputs("frontend"));
}

#[test]
fn every_build_of_one_member_is_given_the_manifests_of_all() {
    let expected = manifests();
    let among = |paths: Paths| paths.into_iter().filter(|path| path.ends_with("/Cargo.toml")).collect::<Paths>();
    assert_eq!(among(allowed("backend")), expected, ".dockerignore");
    assert_eq!(among(source("\n  manifests = [", "\n  ];")), expected, "nix/sources.nix");
    let dockerfile = read("backend/Dockerfile");
    let copied = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).flat_map(str::split_whitespace);
    assert_eq!(among(copied.map(str::to_owned).collect()), expected, "backend/Dockerfile");
}

#[test]
fn every_member_has_its_stand_in_where_another_is_built() {
    let dockerfile = read("backend/Dockerfile");
    let touched = between(&dockerfile, "mkdir -p ", "cargo build").split("touch ").skip(1);
    let docker: Paths = touched
        .flat_map(|files| files.split("&&").next().unwrap_or_default().split_whitespace())
        .map(str::to_owned)
        .collect();
    let package = read("nix/rust-package.nix");
    let nix: Paths =
        between(&package, r#"touch -a ${file}\n") ["#, "];").split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(docker, nix, "backend/Dockerfile and nix/rust-package.nix");
    for member in members() {
        assert!(docker.contains(&format!("{member}/src/lib.rs")), "{member} has none");
    }
}
