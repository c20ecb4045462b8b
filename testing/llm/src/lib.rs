//! A scripted language model behind an OpenAI-compatible API.
//!
//! Tests in Rust start a model in their own process:
//!
//! ```
//! use serde_json::json;
//! use todo_llm::{Model, Reply, Rule, Script};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let model = Model::start(Script::rules([
//!     Rule::user("^add (?<title>.+)", [
//!         Reply::call("add_task", json!({ "title": "{{ title }}" })),
//!         Reply::text("I added {{ result.task.title }}."),
//!     ]),
//!     Rule::user("hello", [Reply::rate_limited(2)]).times(1),
//! ]))
//! .await;
//! let base_url = model.url(); // OPENAI_BASE_URL
//! // … what the test does …
//! assert!(model.requests().is_empty());
//! # assert!(base_url.ends_with("/v1"));
//! # }
//! ```
//!
//! Other tests run the program, `todo-llm --script FILE` or `todo-llm --demo`, and use it over HTTP. It logs its
//! address as one line of JSON: `{"message":"listening","address":…}`.
//!
//! # Scripts
//!
//! A script is a file in YAML or JSON. This one has everything that a script can contain:
//!
//! ```yaml
#![doc = include_str!("../scripts/example.yaml")]
//! ```
//!
//! The first rule that matches answers a request. If there is none, the next of the `replies` does. If that is missing
//! too, the request is refused with the code `no_reply`. A script with only `replies` suits a test with one
//! conversation. Rules suit tests that share a model, each with its own phrases.
//!
//! A **turn** begins with the last message of the user, and has a **round** for each answer of the model: round 0
//! follows the message, round 1 the first tool results. The round is computed from the messages of the request, so a
//! rule works for any number of concurrent conversations, and a repeated request gets the same answer.
//!
//! ## Rules
//!
//! | condition in `when` | is true if |
//! | --- | --- |
//! | `user` | this [regular expression](regex) matches the last message of the user |
//! | `tool` | the last message is a result of this tool |
//! | `result` | the last message is a tool result, and this regular expression matches its text |
//!
//! A rule has either `replies`, one for each round, and does not match in later rounds, or one `reply` for every round.
//! `times` limits how often it answers.
//!
//! ## Templates
//!
//! Texts, pieces, and all strings in the arguments of tool calls are [Jinja templates](minijinja::syntax). Their
//! variables are
//!
//! - the named groups of the expressions of the rule, and `captures`, the list of all groups of the last expression;
//! - `user`, the last message of the user;
//! - `results`, the tool results of this turn, and `result`, the last of them. A result that is JSON is parsed.
//!
//! An argument that consists of one `{{ expression }}` gets the value of the expression, of any type. A request whose
//! template uses an undefined variable outside of a condition is refused with the code `script_error`.
//!
//! ## Faults
//!
//! A [`Quirk`] is an unusual encoding of a complete answer, and a [`Fault`] breaks the answer. The first chunk has the
//! role and no text, so a fault with `after: 2` is in the middle of a text of two words. Nothing depends on time: a
//! stall lasts until the client disconnects, and a [`Gate`] blocks until the test opens it ([`Model::pass`],
//! [`Model::open`]).
//!
//! With every script, a request that real servers refuse is refused with the code `invalid_request`: for example a tool
//! call without a result, a result without a call, earlier arguments that are no JSON, a message without content, or a
//! tool without a valid name. A script with a `provider` also applies the rules of that [`Provider`].
//!
//! [`Reply::raw`] plays what no other field can say: the body of an answer, byte for byte. The scripts in
//! `scripts/models` consist of such bodies, each written as one kind of server writes it.
//!
//! # HTTP
//!
//! | request | effect |
//! | --- | --- |
//! | `POST /v1/chat/completions` | returns an answer, as a stream if the body has `"stream": true` |
//! | `GET /v1/models` | lists one model; a request for an answer may name any model |
//! | `GET /requests`, `DELETE /requests` | returns the bodies of all requests for an answer, in order, or deletes them |
//! | `PUT /script` | replaces the script, and closes all gates |
//! | `POST /rules` | inserts a list of rules before the others |
//! | `POST /gates/{name}?chunks=1` | lets this number of chunks pass the gate, or all chunks without `chunks`, also before they arrive |
//! | `GET /health` | returns 200 |

mod answer;
mod completion;
mod conversation;
mod reply;
mod routes;
mod script;
mod state;
mod stream;
mod validation;

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::net::TcpListener;

pub use reply::{Fault, Gate, Quirk, Reply, ToolCall};
pub use script::{Pattern, Provider, Rule, Script, When};

/// A fault of a script, or of starting the model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the script is wrong: {0}")]
    Script(String),
    #[error("the script's {template:?} cannot be filled in: {reason}")]
    Template { template: String, reason: String },
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// A running model. Dropping it closes all connections.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    state: Arc<state::State>,
}

impl Model {
    /// Starts a model on a free port.
    ///
    /// # Panics
    /// Panics if no port is free.
    pub async fn start(script: Script) -> Self {
        Self::listen(script, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port")
    }

    /// Starts a model on an address.
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

    /// The value for `OPENAI_BASE_URL`, which ends with `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of the requests for an answer, in order.
    pub fn requests(&self) -> Vec<Value> {
        self.state.requests()
    }

    /// Waits until the model has received this number of requests for an answer since its start.
    pub async fn wait_for_requests(&self, count: usize) {
        self.wait_for(|counts| counts.requests >= count).await;
    }

    /// Waits until no answer is being sent: each is complete, or its client has disconnected.
    pub async fn idle(&self) {
        self.wait_for(|counts| counts.open_answers == 0).await;
    }

    /// Replaces the script, and closes all gates.
    pub fn set_script(&self, script: Script) {
        self.state.set_script(script);
    }

    /// Inserts rules before the others, so that several tests can share a model.
    pub fn add_rules(&self, rules: impl IntoIterator<Item = Rule>) {
        self.state.add_rules(rules.into_iter().collect());
    }

    /// Lets this number of chunks pass a gate, also before they arrive.
    pub fn pass(&self, gate: &str, chunks: usize) {
        self.state.gate(gate).add_permits(chunks);
    }

    /// Lets all chunks pass a gate from now on.
    pub fn open(&self, gate: &str) {
        self.state.gate(gate).close();
    }

    async fn wait_for(&self, condition: impl FnMut(&state::Counts) -> bool) {
        let mut counts = self.state.counts.subscribe();
        counts.wait_for(condition).await.expect("the model keeps the sender");
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.state.stop.cancel();
    }
}
