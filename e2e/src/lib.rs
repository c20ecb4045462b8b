//! What the tests of a real cluster need. The tests themselves are in `tests/cluster`.
//!
//! `cargo xtask test cluster` compiles and runs them. By hand, `cargo test --package todo-e2e --test cluster NAME` runs
//! one on the cluster of kubectl's current context. These variables are read:
//!
//! | variable | is |
//! | --- | --- |
//! | `TODO_E2E_CONTEXT` | another context of kubectl |
//! | `TODO_E2E_IMAGES` | `BACKEND,FRONTEND` with tags, both in the cluster already; else `cargo todo deploy` builds and loads them |
//! | `TODO_E2E_POSTGRES_IMAGE` | a second image of PostgreSQL with its tag, in the cluster already; else the box's |
//! | `TODO_E2E_INGRESS`, `TODO_E2E_INGRESS_CLASS` | the address of an Ingress controller, and its class |
//! | `TODO_E2E_REPORT` | the path of the JUnit report that the run writes |
//! | `TODO_E2E_PROGRAM` | the `todo` program, where `cargo todo` does not work |
//! | `CHROMIUM_PATH` | the browser |
//!
//! Everything is made in namespaces `e2e-*` and removed in the end. The nodes' ports have to be reachable from here.
//!
//! - [`suite`]: one run: the cluster, the release that most tests share, and the report
//! - [`cluster`], [`release`]: kubectl, helm and the API server
//! - [`node`]: what only root on a node can do, such as stopping a process
//! - [`proxy`]: an address on 127.0.0.1 that is forwarded to a Service
//! - [`browser`], [`user`], [`load`]: people who use the application
//! - [`model`]: the language model they talk to

pub mod browser;
pub mod cluster;
pub mod load;
pub mod model;
pub mod node;
pub mod program;
pub mod proxy;
pub mod release;
pub mod report;
pub mod suite;
pub mod user;
pub mod wait;
