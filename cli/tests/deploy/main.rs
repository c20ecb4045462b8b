//! `cargo todo deploy` and its like, with small programs in the place of docker, minikube and helm, and a small server
//! in the place of Kubernetes' API. That the real ones do what these are made to do, is the step `cluster`.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod aiops;
mod api;
mod boxes;
mod fakes;
mod forward;
mod images;
mod other;
mod release;
