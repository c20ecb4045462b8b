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
    script::{Rule, Script},
};

#[derive(Debug)]
pub struct State {
    inner: Mutex<Inner>,
    /// How many requests came, and how many answers are under way.
    pub counts: watch::Sender<Counts>,
    pub stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    script: Script,
    /// How many of the replies in order were given.
    given: usize,
    requests: Vec<Value>,
    gates: HashMap<String, Arc<Semaphore>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub requests: usize,
    pub open: usize,
}

impl State {
    pub fn new(script: Script) -> Self {
        let inner = Mutex::new(Inner { script, ..Inner::default() });
        Self { inner, counts: watch::Sender::default(), stop: CancellationToken::new() }
    }

    /// Begins a new script, with every gate shut.
    pub fn play(&self, script: Script) {
        let mut inner = self.lock();
        inner.script = script;
        inner.given = 0;
        inner.gates.clear();
    }

    /// Adds rules before all others.
    pub fn add_rules(&self, rules: Vec<Rule>) {
        self.lock().script.rules.splice(..0, rules);
    }

    pub fn key(&self) -> Option<String> {
        self.lock().script.key.clone()
    }

    /// The reply to give, and what its rule captured.
    pub fn choose(&self, conversation: &Conversation<'_>) -> Option<(Reply, Map<String, Value>)> {
        let mut inner = self.lock();
        if let Some(chosen) = answer::by_rule(&mut inner.script.rules, conversation) {
            return Some(chosen);
        }
        let reply = inner.script.replies.get(inner.given)?.clone();
        inner.given += 1;
        Some((reply, Map::new()))
    }

    /// Returns the request's number.
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

    pub fn forget_requests(&self) {
        self.lock().requests.clear();
    }

    pub fn gate(&self, name: &str) -> Arc<Semaphore> {
        Arc::clone(self.lock().gates.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    /// Counts an answer as under way until the guard is dropped.
    pub fn open(self: &Arc<Self>) -> Open {
        self.counts.send_modify(|counts| counts.open += 1);
        Open(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.open -= 1);
    }
}
