use std::time::Duration;

use secrecy::SecretString;

/// Where the model is, and how much of it a user may have.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// With its version, without `/chat/completions`.
    pub base_url: String,
    pub model: String,
    /// Servers of one's own often need none.
    pub api_key: Option<SecretString>,
    /// Per user.
    pub turns_per_minute: i32,
    pub limits: Limits,
}

impl ChatConfig {
    pub const BASE_URL: &'static str = "https://api.openai.com/v1";
    pub const MODEL: &'static str = "gpt-5-mini";

    /// Without a key there must at least be a server other than `OpenAI`'s, which needs one.
    pub fn is_complete(&self) -> bool {
        self.api_key.is_some() || self.base_url.trim_end_matches('/') != Self::BASE_URL
    }
}

/// Not settings: tests have shorter ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of a run, from the user's message to the end of the answer.
    pub turn: Duration,
    /// How long a replica may be silent before others take it for dead.
    pub lease: Duration,
    /// How often it renews its lease.
    pub renewal: Duration,
    /// How long the model may be silent in the middle of its answer.
    pub stall: Duration,
    /// Text is stored and told at most this often.
    pub flush: Duration,
    /// How often a run may use tools before it ends.
    pub rounds: usize,
    /// Of earlier turns that the model is told, and of one result of a tool; by the rule of thumb of four characters a
    /// token.
    pub history_tokens: usize,
    pub result_tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn: Duration::from_mins(1),
            lease: Duration::from_secs(8),
            renewal: Duration::from_secs(2),
            stall: Duration::from_secs(30),
            flush: Duration::from_millis(100),
            rounds: 10,
            history_tokens: 16_000,
            result_tokens: 8_000,
        }
    }
}
