//! What a language model needs to help with operations: rights to look and no others, and `kubectl-ai` set up with
//! them.

mod access;
mod ask;
mod kubeconfig;

pub use self::{
    access::revoke,
    ask::{Ask, run as ask},
    kubeconfig::{AiKubeconfig, remove_kubeconfig, run as ai_kubeconfig},
};
