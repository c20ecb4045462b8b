//! A client for models that speak `OpenAI`'s chat completions with streaming and tools.
//!
//! It is our own because servers differ in many ways: `tests/api/chat/model_errors.rs` lists those that it must cope
//! with.

mod answer;
mod error;
mod wire;

pub use answer::{Answer, Call};
pub use error::ModelError;

use std::time::Duration;

use anyhow::Context;
use rand::RngExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

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

    /// Sends a conversation, and begins to read the answer. Gives up when there is no time before `deadline` to try
    /// again.
    pub async fn ask(&self, messages: &[Value], tools: &[Value], deadline: Instant) -> Result<Answer, ModelError> {
        let body = json!({
            "model": self.name, "messages": messages, "tools": tools, "stream": true,
            "stream_options": { "include_usage": true },
        });
        let body = body.to_string();
        let asked = Instant::now();
        let mut tries = 0;
        loop {
            let error = match self.send(&body).await {
                Ok(response) => return Ok(Answer::new(response, asked, body.len(), self.stall)),
                Err(error) => error,
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
        if response.status() == StatusCode::OK { Ok(response) } else { Err(ModelError::of_status(response).await) }
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }
}
