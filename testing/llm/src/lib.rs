//! A language model that plays a script, behind an OpenAI-compatible API.

mod answer;
mod conversation;
mod routes;
mod script;
mod state;
mod stream;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::net::TcpListener;

pub use script::{Fault, Gate, Pattern, Quirk, Reply, Rule, Script, Text, ToolCall, When};

/// What is wrong with a script, or keeps the model from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the script is wrong: {0}")]
    Script(String),
    #[error("the script's {template:?} cannot be filled in: {reason}")]
    Template { template: String, reason: String },
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// A running model. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    state: Arc<state::State>,
}

impl Model {
    /// Starts a model on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start(script: Script) -> Self {
        Self::listen(script, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port")
    }

    pub async fn listen(script: Script, address: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(state::State::new(script));
        let stop = state.stop.clone();
        let server = axum::serve(listener, routes::router(Arc::clone(&state)));
        tokio::spawn(server.with_graceful_shutdown(async move { stop.cancelled().await }).into_future());
        Ok(Self { address, state })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For `OPENAI_BASE_URL`: with `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of the requests for an answer, in order.
    pub fn requests(&self) -> Vec<Value> {
        self.state.requests()
    }

    /// Waits until the model was asked so many times since its start.
    pub async fn asked(&self, times: usize) {
        self.until(|counts| counts.requests >= times).await;
    }

    /// Waits until no answer is under way: the last was sent, or its reader has gone.
    pub async fn idle(&self) {
        self.until(|counts| counts.open == 0).await;
    }

    /// Begins a new script, with every gate shut.
    pub fn play(&self, script: Script) {
        self.state.play(script);
    }

    /// Lets chunks pass a gate, now or when they come.
    pub fn pass(&self, gate: &str, chunks: usize) {
        self.state.gate(gate).add_permits(chunks);
    }

    /// Lets all chunks pass a gate from now on.
    pub fn open(&self, gate: &str) {
        self.state.gate(gate).close();
    }

    async fn until(&self, reached: impl FnMut(&state::Counts) -> bool) {
        let mut counts = self.state.counts.subscribe();
        counts.wait_for(reached).await.expect("the model holds the sender");
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.state.stop.cancel();
    }
}
