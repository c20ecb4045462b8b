use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

use super::{message::FailureCode, model::ModelError};
use crate::telemetry::metrics::registered;

/// Upper bounds in seconds: from a fast model to one that computes on a CPU.
const BUCKETS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0];

/// Metrics of the chat. No text that a user or a model has written is a label.
pub struct ChatMetrics {
    turns: IntCounterVec,
    first_token: Histogram,
    answer: Histogram,
    tokens_in: IntCounter,
    tokens_out: IntCounter,
    errors: IntCounterVec,
}

impl ChatMetrics {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters =
            |name, help, label: &str| registered(registry, IntCounterVec::new(Opts::new(name, help), &[label])?);
        let seconds = |name, help| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(BUCKETS.to_vec()))?;
            registered(registry, histogram)
        };
        let tokens = counters("chat_model_tokens_total", "Tokens as the model counted them", "direction")?;
        let errors = counters("chat_model_errors_total", "Answers that the model did not give", "kind")?;
        // Every kind exists from the start, because a rate does not see a counter that begins at 1.
        for kind in ModelError::CODES.map(FailureCode::as_str) {
            errors.with_label_values(&[kind]);
        }
        Ok(Self {
            turns: counters("chat_turns_total", "Turns of the chat by how they ended", "result")?,
            first_token: seconds("chat_model_first_token_seconds", "Time until the model began to answer")?,
            answer: seconds("chat_model_answer_seconds", "Time until the model's answer was complete")?,
            tokens_in: tokens.with_label_values(&["in"]),
            tokens_out: tokens.with_label_values(&["out"]),
            errors,
        })
    }

    pub fn turn_ended(&self, result: &str) {
        self.turns.with_label_values(&[result]).inc();
    }

    pub fn answered(&self, first_token: Option<Duration>, whole: Duration, tokens_in: u64, tokens_out: u64) {
        if let Some(first_token) = first_token {
            self.first_token.observe(first_token.as_secs_f64());
        }
        self.answer.observe(whole.as_secs_f64());
        self.tokens_in.inc_by(tokens_in);
        self.tokens_out.inc_by(tokens_out);
    }

    pub fn model_failed(&self, kind: &str) {
        self.errors.with_label_values(&[kind]).inc();
    }
}
