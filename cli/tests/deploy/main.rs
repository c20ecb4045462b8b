//! `cargo todo deploy` and its like, with small programs in the place of docker, minikube, kubectl and helm. That the
//! real ones do what these are made to do, is the step `cluster`.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod aiops;
mod boxes;
mod fakes;
mod forward;
mod images;
mod other;
mod release;
