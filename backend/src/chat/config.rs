use std::time::Duration;

use secrecy::SecretString;

/// Where the model is, and how much of it a user may have.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// The address of the API with its version, without `/chat/completions`.
    pub base_url: String,
    pub model: String,
    /// A self-hosted server often needs none.
    pub api_key: Option<SecretString>,
    /// Turns that one user may start in a minute.
    pub turns_per_minute: i32,
    /// Turns of one user at a time, on this replica.
    pub max_turns_per_user: usize,
    /// Turns at a time, on this replica.
    pub max_turns: usize,
    pub max_conversations_per_user: u32,
    /// What one user may use in a day.
    pub user_budget: Budget,
    /// What all users together may use in a day.
    pub total_budget: Budget,
    pub limits: Limits,
}

impl ChatConfig {
    pub const BASE_URL: &'static str = "https://api.openai.com/v1";
    pub const MODEL: &'static str = "gpt-5-mini";

    /// Whether there is a model to talk to: `OpenAI`'s server needs a key, others may not.
    pub fn is_complete(&self) -> bool {
        self.api_key.is_some() || self.base_url.trim_end_matches('/') != Self::BASE_URL
    }
}

/// What may be used in a day of UTC.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub turns: i64,
    /// A turn that begins with tokens left may use more than are left.
    pub tokens: i64,
}

/// Limits, of which only [`Limits::stall`] is a setting; tests have shorter ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest run, from the user's message to the end of the answer. It bounds a model that never ends.
    pub turn: Duration,
    /// How long a replica may be silent before others end its run.
    pub lease: Duration,
    /// How often a replica renews its lease.
    pub renewal: Duration,
    /// How long the model may be silent, before its answer and in the middle of it.
    pub stall: Duration,
    /// Shortest time between two writes of an answer's text.
    pub flush: Duration,
    /// How often a run may use tools before it ends.
    pub rounds: usize,
    /// Tokens of earlier turns that are sent to the model, as estimated.
    pub history_tokens: usize,
    /// Tokens of one result of a tool that are sent to the model, as estimated.
    pub result_tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn: Duration::from_hours(1),
            lease: Duration::from_secs(8),
            renewal: Duration::from_secs(2),
            stall: Duration::from_mins(1),
            flush: Duration::from_millis(500),
            rounds: 10,
            history_tokens: 16_000,
            result_tokens: 8_000,
        }
    }
}
