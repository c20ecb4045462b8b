//! Opaque secrets: how they are made, and the keyed hash under which they are stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Marks our secrets for people and for secret scanners.
const PREFIX: &str = "todo_";

/// The key of the stored hashes. Who reads the database without it cannot try secrets.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    pub fn new(secret_key: &SecretString) -> anyhow::Result<Self> {
        Ok(Self(Hmac::new_from_slice(secret_key.expose_secret().as_bytes())?))
    }

    /// What is stored in place of `value`: 32 bytes.
    pub fn hash(&self, value: &str) -> Vec<u8> {
        self.0.clone().chain_update(value).finalize().into_bytes().to_vec()
    }
}

/// A new secret of 256 random bits.
pub fn generate() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}
