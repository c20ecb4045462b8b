//! What the tests of a real cluster need. The tests themselves are in `tests/cluster`.
//!
//! - [`suite`]: one run: the cluster, the release most tests share, and the table that closes it
//! - [`cluster`], [`release`]: kubectl, helm and the API server
//! - [`node`]: what only a node's root can do, such as stopping a process
//! - [`door`]: an address on 127.0.0.1 that leads to a Service
//! - [`browser`], [`user`], [`load`]: people who use the application

pub mod browser;
pub mod cluster;
pub mod door;
pub mod load;
pub mod node;
pub mod program;
pub mod release;
pub mod report;
pub mod suite;
pub mod user;
pub mod wait;
