//! A language model that plays a script, behind an OpenAI-compatible API.
//!
//! Tests in Rust start one in their own process:
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
//! Others run the program, `todo-llm --script FILE` or `todo-llm --demo`, and speak to it over HTTP. It logs
//! `{"message":"listening","address":…}` as one line of JSON.
//!
//! # Scripts
//!
//! YAML, or JSON, which is a part of it. All there is in one file:
//!
//! ```yaml
#![doc = include_str!("../scripts/example.yaml")]
//! ```
//!
//! A request is answered by the first rule that fits, else by the next of the `replies`, else refused with the code
//! `no_reply`. A script of `replies` only suits a test with one conversation; rules suit tests that share a model, each
//! with phrases of its own.
//!
//! A **turn** begins with the user's last message, and has a **round** for each answer of the model: round 0 when the
//! user has spoken, round 1 after the first tool results. Which round it is can be read off the messages, so a rule
//! works for any number of conversations at once, and a repeated request is answered as before.
//!
//! ## Rules
//!
//! | `when` | holds if |
//! | --- | --- |
//! | `user` | the user's last message has a match of this [regular expression](regex) |
//! | `tool` | the last message is a result of this tool |
//! | `result` | the last message is a tool result whose text has a match of this regular expression |
//!
//! A rule has `replies`, one for each round, and no longer fits after the last; or `reply`, for every round.
//! With `times`, it answers so many times and then no more.
//!
//! ## Templates
//!
//! Texts, pieces, and all strings in the arguments of tool calls are [Jinja templates](minijinja::syntax). They know
//!
//! - the groups with names of the rule's expressions, and `captures`, the list of all groups of the last of them;
//! - `user`, the user's last message;
//! - `results`, the tool results of this turn, and `result`, the last of them: values, where they are JSON.
//!
//! An argument that is nothing but one `{{ expression }}` gets its value with its type, not a text. A name that does
//! not exist refuses the request with the code `script_error`, except in a condition.
//!
//! ## What can go wrong
//!
//! Every way to send is a [`Quirk`], and every fault a [`Fault`]. The first chunk has the role and no text, so `after:
//! 2` is in the middle of a text of two words. Nothing waits for a clock: a stall lasts until the reader goes, and a
//! [`Gate`] until the test opens it ([`Model::pass`], [`Model::open`]).
//!
//! Whatever the script says, a request that real servers refuse is refused with the code `invalid_request`: a tool call
//! without its result or a result without its call, earlier arguments that are no JSON, a message without content,
//! tools without a usable name.
//!
//! # HTTP
//!
//! | request | does |
//! | --- | --- |
//! | `POST /v1/chat/completions` | answers, as a stream with `"stream": true` |
//! | `GET /v1/models` | names a model; every name will do |
//! | `GET /requests`, `DELETE /requests` | the bodies that were sent to the first, in order; forgets them |
//! | `PUT /script` | begins a new script, with every gate shut |
//! | `POST /rules` | puts a list of rules before all others |
//! | `POST /gates/{name}?chunks=1` | lets one chunk pass the gate, now or when it comes; without `chunks`, all |
//! | `GET /health` | answers |

mod answer;
mod check;
mod conversation;
mod reply;
mod routes;
mod script;
mod state;
mod stream;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::net::TcpListener;

pub use reply::{Fault, Gate, Quirk, Reply, ToolCall};
pub use script::{Pattern, Rule, Script, When};

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

    /// The value for `OPENAI_BASE_URL`, which ends with `/v1`.
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

    /// Adds rules before all others: tests that share a model need not know of each other.
    pub fn add_rules(&self, rules: impl IntoIterator<Item = Rule>) {
        self.state.add_rules(rules.into_iter().collect());
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
