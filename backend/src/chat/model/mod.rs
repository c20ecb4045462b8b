//! A client for models that speak `OpenAI`'s chat completions with streaming and tools.
//!
//! It is our own because servers differ in many ways: `tests/api/chat/habits.rs` and `model_errors.rs` list those that it
//! must cope with.

mod answer;
mod error;
mod events;
mod refusal;
mod thoughts;
mod wire;

pub use answer::{Answer, Call, Piece};
pub use error::ModelError;

use std::time::Duration;

use anyhow::Context;
use rand::RngExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::config::ChatConfig;
use crate::http::client;

/// How often a request is repeated, as long as nothing of an answer has come.
const MAX_RETRIES: u32 = 2;
/// Time before the first retry; it doubles with each, and varies by half.
const BACKOFF: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Model {
    client: Client,
    url: Url,
    name: String,
    key: Option<SecretString>,
    stall: Duration,
}

impl Model {
    pub fn new(config: &ChatConfig) -> anyhow::Result<Self> {
        let url = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        let url = Url::parse(&url).context("OPENAI_BASE_URL is no URL")?;
        // The key goes to this address and nowhere else: through no proxy of the environment, and after no redirect.
        let client = client::builder_for(&url)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("OPENAI_BASE_URL is https:// and no certificate authorities were found: set SSL_CERT_FILE")?;
        let (name, key, stall) = (config.model.clone(), config.api_key.clone(), config.limits.stall);
        Ok(Self { client, url, name, key, stall })
    }

    /// Names the model and its server. What one sent is sent back only to the same.
    pub fn origin(&self) -> String {
        format!("{} {}", self.url, self.name)
    }

    /// Sends a conversation, and begins to read the answer. Gives up when nothing comes for too long, or when there is
    /// no time left to try again.
    pub async fn ask(&self, messages: &[Value], tools: &[Value]) -> Result<Answer, ModelError> {
        let body = json!({
            "model": self.name, "messages": messages, "tools": tools, "stream": true,
            "stream_options": { "include_usage": true },
        });
        let body = body.to_string();
        let asked = Instant::now();
        let deadline = asked + self.stall;
        let mut tries = 0;
        loop {
            let error = match timeout_at(deadline, self.send(&body)).await {
                Ok(Ok(response)) => return Ok(Answer::new(response, asked, &body, self.stall, self.key.clone())),
                Ok(Err(error)) => error,
                Err(_) => return Err(ModelError::silent(self.stall)),
            };
            let backoff = BACKOFF * 2_u32.pow(tries);
            let jitter = rand::rng().random_range(0.5..1.5);
            let wait = error.retry_after.unwrap_or_default().max(backoff.mul_f64(jitter));
            if !error.is_transient() || tries == MAX_RETRIES || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::info!(kind = error.kind(), status = error.status, "asking the model again");
            sleep(wait).await;
            tries += 1;
        }
    }

    async fn send(&self, body: &str) -> Result<Response, ModelError> {
        let request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json");
        let response = self.authorized(request).body(body.to_owned()).send().await?;
        if response.status() == StatusCode::OK {
            Ok(response)
        } else {
            Err(ModelError::of_status(response, self.key.as_ref()).await)
        }
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }
}
