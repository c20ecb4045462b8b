//! The state that all requests of a model share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    answer,
    conversation::Conversation,
    reply::Reply,
    script::{Provider, Rule, Script},
};

#[derive(Debug)]
pub struct State {
    inner: Mutex<Inner>,
    /// The numbers of requests and of open answers.
    pub counts: watch::Sender<Counts>,
    pub stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    script: Script,
    /// The index of the next of the replies in order.
    next_reply: usize,
    requests: Vec<Value>,
    gates: HashMap<String, Arc<Semaphore>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// All requests since the start.
    pub requests: usize,
    /// The answers that are being sent.
    pub open_answers: usize,
}

impl State {
    pub fn new(script: Script) -> Self {
        let inner = Mutex::new(Inner { script, ..Inner::default() });
        Self { inner, counts: watch::Sender::default(), stop: CancellationToken::new() }
    }

    /// Replaces the script, and closes all gates.
    pub fn set_script(&self, script: Script) {
        let mut inner = self.lock();
        inner.script = script;
        inner.next_reply = 0;
        inner.gates.clear();
    }

    /// Inserts rules before the others.
    pub fn add_rules(&self, rules: Vec<Rule>) {
        self.lock().script.rules.splice(..0, rules);
    }

    pub fn key(&self) -> Option<String> {
        self.lock().script.key.clone()
    }

    pub fn provider(&self) -> Option<Provider> {
        self.lock().script.provider
    }

    /// The reply to a conversation, and the captures of its rule.
    pub fn choose_reply(&self, conversation: &Conversation<'_>) -> Option<(Reply, Map<String, Value>)> {
        let mut inner = self.lock();
        if let Some(chosen) = answer::match_rules(&mut inner.script.rules, conversation) {
            return Some(chosen);
        }
        let reply = inner.script.replies.get(inner.next_reply)?.clone();
        inner.next_reply += 1;
        Some((reply, Map::new()))
    }

    /// Stores a request, and returns its number.
    pub fn record(&self, request: Value) -> usize {
        self.lock().requests.push(request);
        let mut number = 0;
        self.counts.send_modify(|counts| {
            counts.requests += 1;
            number = counts.requests;
        });
        number
    }

    pub fn requests(&self) -> Vec<Value> {
        self.lock().requests.clone()
    }

    pub fn clear_requests(&self) {
        self.lock().requests.clear();
    }

    /// The gate of this name: a permit lets one chunk pass, and closing the semaphore lets all pass.
    pub fn gate(&self, name: &str) -> Arc<Semaphore> {
        Arc::clone(self.lock().gates.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    /// Counts an answer as open until the guard is dropped.
    pub fn start_answer(self: &Arc<Self>) -> OpenAnswer {
        self.counts.send_modify(|counts| counts.open_answers += 1);
        OpenAnswer(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct OpenAnswer(Arc<State>);

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.open_answers -= 1);
    }
}
