//! How often a password may be tried, and from where.
//!
//! A stranger must neither guess the password of an account, nor lock its owner out by wrong passwords. So a device that
//! the account knows has a limit of its own, and the others count only against devices that it does not know.

use std::net::IpAddr;

use super::{
    error::Error,
    rate_limits::{LimitedAction, TooManyAttempts},
    state::Accounts,
};

/// Tries of a password within 15 minutes for one account, from one address or on one known device.
const MAX_ATTEMPTS: i32 = 10;
/// Tries of a password within 15 minutes from one address, for whatever account.
const MAX_ATTEMPTS_PER_ADDRESS: i32 = 100;
/// Tries of a password within 15 minutes for one account, from all addresses together.
const MAX_ATTEMPTS_PER_ACCOUNT: i32 = 100;

/// From where a password is tried.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The user has signed in on this device, or is signed in with this session.
    KnownDevice(&'a str),
    Address(IpAddr),
}

/// A try of a password that was counted.
pub struct Attempt<'a> {
    email: &'a str,
    source: Source<'a>,
}

impl<'a> Attempt<'a> {
    /// Counts an attempt before the password is checked, so that attempts made at the same time cannot slip through. An
    /// attempt that one limit refuses does not count for the next: an address over its limit cannot use up the attempts
    /// of an account.
    pub async fn count(accounts: &Accounts, email: &'a str, source: Source<'a>) -> Result<Self, Error> {
        let limits: &[_] = match source {
            Source::KnownDevice(device) => &[(LimitedAction::PasswordOnDevice(device), MAX_ATTEMPTS)],
            Source::Address(address) => &[
                (LimitedAction::PasswordFromAddress(address), MAX_ATTEMPTS_PER_ADDRESS),
                (LimitedAction::PasswordOfAccountFromAddress(email, address), MAX_ATTEMPTS),
                (LimitedAction::PasswordOfAccount(email), MAX_ATTEMPTS_PER_ACCOUNT),
            ],
        };
        for (action, limit) in limits {
            count(accounts, *action, *limit).await?;
        }
        Ok(Self { email, source })
    }

    /// The password was right: forgets earlier failures from here, and takes back this attempt where others count too.
    pub async fn succeeded(self, accounts: &Accounts) -> Result<(), Error> {
        let (pool, limiter) = (accounts.pool(), accounts.rate_limiter());
        match self.source {
            Source::KnownDevice(device) => limiter.reset(&pool, LimitedAction::PasswordOnDevice(device)).await?,
            Source::Address(address) => {
                limiter.reset(&pool, LimitedAction::PasswordOfAccountFromAddress(self.email, address)).await?;
                limiter.decrement(&pool, LimitedAction::PasswordFromAddress(address)).await?;
                limiter.decrement(&pool, LimitedAction::PasswordOfAccount(self.email)).await?;
            }
        }
        Ok(())
    }
}

/// Counts an action, and refuses it over its limit.
pub async fn count(accounts: &Accounts, action: LimitedAction<'_>, limit: i32) -> Result<(), Error> {
    let counted = accounts.rate_limiter().count(&accounts.pool(), action, limit).await?;
    counted.map_err(|TooManyAttempts { retry_after }| Error::TooManyAttempts { retry_after })
}
