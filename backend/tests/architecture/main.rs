//! The rooms of `backend/src`, and the order in which they may use each other.
//!
//! The compiler accepts modules that import each other in a circle. This test reads every path that begins with
//! `crate`, `super` or `self`, or with a child module, and refuses an arrow that [`ROOMS`] does not allow, a circle of
//! files, and `axum` outside the modules that speak HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use source::{Sources, axum_users, graph};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// From the top down: each room, and the rooms that it may use, which come after it. `main` is the program, and the
/// others are the top modules of the library.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["commands", "server", "telemetry", "db"]),
    ("commands", &["mcp", "accounts", "http"]),
    (
        "server",
        &["chat", "mcp", "events", "tools", "tasks", "accounts", "http", "notifier", "telemetry", "db", "validation"],
    ),
    ("chat", &["tools", "tasks", "accounts", "http", "notifier", "telemetry", "db", "validation"]),
    ("mcp", &["tools", "tasks", "accounts", "http", "telemetry", "db", "validation"]),
    ("events", &["tasks", "accounts", "http", "telemetry", "db", "validation"]),
    ("tools", &["tasks", "telemetry", "db", "validation"]),
    ("tasks", &["accounts", "http", "telemetry", "db", "validation"]),
    ("accounts", &["http", "telemetry", "db", "validation"]),
    ("http", &["notifier", "telemetry", "db", "validation"]),
    ("notifier", &["db"]),
    ("telemetry", &["db"]),
    ("db", &["validation"]),
    ("validation", &[]),
];

/// Modules besides `routes`, `http` and `server` that may name `axum`: extractors, and the handler of the MCP library,
/// which gets the request's head as a type of `axum`.
const MAY_USE_AXUM: &[&str] = &["accounts::extract", "mcp::handler"];

/// Arrows between rooms that the table does not allow.
fn refused_arrows(graph: &Graph) -> Vec<String> {
    let room = |module: &str| module.split("::").next().unwrap().to_owned();
    let allowed = |from: &str, to: &str| {
        let uses = ROOMS.iter().find(|(name, _)| *name == from).map(|(_, uses)| *uses);
        uses.is_some_and(|uses| uses.contains(&to))
    };
    let arrows = graph.iter().flat_map(|(from, uses)| uses.iter().map(move |to| (from, to)));
    arrows
        .filter(|(from, to)| *from != "lib" && *to != "lib")
        .filter(|(from, to)| room(from) != room(to) && !allowed(&room(from), &room(to)))
        .map(|(from, to)| format!("{from} uses {to}"))
        .collect()
}

/// A circle of modules, if there is one.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    fn visit(graph: &Graph, module: &str, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|visited| visited == module) {
            return Some(path[start..].to_vec());
        }
        if done.contains(module) {
            return None;
        }
        path.push(module.to_owned());
        let found = graph.get(module).into_iter().flatten().find_map(|next| visit(graph, next, path, done));
        path.pop();
        done.insert(module.to_owned());
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| visit(graph, module, &mut Vec::new(), &mut done))
}

fn backend() -> Sources {
    source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

fn planted(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(module, text)| ((*module).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn the_table_goes_one_way_and_names_every_room() {
    for (place, (room, uses)) in ROOMS.iter().enumerate() {
        for used in *uses {
            let below = ROOMS[place + 1..].iter().any(|(name, _)| name == used);
            assert!(below, "{room} is not above {used} in the table");
        }
    }
    let declared: BTreeSet<_> = ROOMS.iter().map(|(room, _)| *room).collect();
    let sources = backend();
    let present = sources.keys().map(|module| module.split("::").next().unwrap()).filter(|room| *room != "lib");
    assert_eq!(declared, present.collect());
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let refused = refused_arrows(&graph(&backend()));
    assert!(refused.is_empty(), "against the order of the rooms:\n{}", refused.join("\n"));
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let circle = circle(&graph(&backend()));
    assert!(circle.is_none(), "in a circle: {}", circle.unwrap().join(" -> "));
}

#[test]
fn only_routes_know_axum() {
    let sources = backend();
    let users = axum_users(&sources);
    let may_use = |module: &str| {
        let mut parts = module.split("::");
        let room = parts.next().unwrap();
        matches!(room, "http" | "server") || parts.any(|part| part == "routes") || MAY_USE_AXUM.contains(&module)
    };
    let refused: Vec<_> = users.iter().filter(|module| !may_use(module)).collect();
    assert!(refused.is_empty(), "these modules should not know axum: {refused:?}");
    for module in MAY_USE_AXUM {
        assert!(users.contains(*module), "{module} needs no exception any more");
    }
}

#[test]
fn an_arrow_against_the_order_is_found() {
    let sources = planted(&[
        ("tasks", "mod change;"),
        ("tasks::change", "use crate::{\n    accounts::Identity,\n    chat::{self, state::Chat as Talk},\n};"),
        ("accounts", ""),
        ("chat", "mod state;"),
        ("chat::state", ""),
        ("db", "fn connect() { let notifier = crate::notifier::Notifier::default(); }"),
        ("notifier", ""),
    ]);
    assert_eq!(
        refused_arrows(&graph(&sources)),
        ["db uses notifier", "tasks::change uses chat", "tasks::change uses chat::state"]
    );
}

#[test]
fn a_circle_is_found() {
    let one_way = [
        ("tasks", "mod change;\nmod task;\npub use change::create;"),
        ("tasks::change", "use super::task::Task;\n// use super::create;\nconst TEXT: &str = \"super::create\";"),
        ("tasks::task", "mod tests { use super::*; }"),
    ];
    assert_eq!(circle(&graph(&planted(&one_way))), None);
    let through_the_parent = [one_way[0], one_way[1], ("tasks::task", "use super::create;")];
    assert_eq!(circle(&graph(&planted(&through_the_parent))).unwrap(), ["tasks", "tasks::change", "tasks::task"]);
    let between_siblings = [one_way[0], one_way[1], ("tasks::task", "type Change = crate::tasks::change::Change;")];
    assert_eq!(circle(&graph(&planted(&between_siblings))).unwrap(), ["tasks::change", "tasks::task"]);
}
