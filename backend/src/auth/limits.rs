//! Limits on wrong passwords, per account and per client address, in the database so that they hold over replicas.

use sqlx::PgPool;

use super::token::TokenKey;
use crate::http::{
    client::ClientAddress,
    error::{Error, Result},
};

/// Attempts in a window of 15 minutes that starts with the first.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub per_account: i32,
    pub per_address: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_account: 10, per_address: 100 }
    }
}

/// An attempt that has been counted. Counting comes before checking, so that attempts made at the same time cannot
/// slip through; one that turns out right is taken back.
pub struct Attempt {
    keys: [Vec<u8>; 2],
}

impl Limits {
    /// Counts an attempt on the account with this e-mail (whether it exists or not).
    pub async fn attempt(
        &self,
        pool: &PgPool,
        token_key: &TokenKey,
        email: &str,
        address: ClientAddress,
    ) -> Result<Attempt> {
        let keys = [token_key.hash(&format!("account {email}")), token_key.hash(&format!("address {}", address.0))];
        for (key, limit) in keys.iter().zip([self.per_account, self.per_address]) {
            let attempts = sqlx::query!(
                r#"insert into attempts (key, count, resets_at) values ($1, 1, now() + interval '15 minutes')
                   on conflict (key) do update set
                     count = case when attempts.resets_at < now() then 1 else attempts.count + 1 end,
                     resets_at = case when attempts.resets_at < now() then excluded.resets_at else attempts.resets_at end
                   returning count, ceil(extract(epoch from resets_at - now()))::bigint as "seconds!""#,
                key
            )
            .fetch_one(pool)
            .await?;
            if attempts.count > limit {
                return Err(Error::TooManyAttempts { retry_after: attempts.seconds.max(1).unsigned_abs() });
            }
        }
        Ok(Attempt { keys })
    }
}

impl Attempt {
    /// The password was right: forget the account's failures, and this attempt of the address.
    pub async fn succeeded(self, pool: &PgPool) -> Result<()> {
        let [account, address] = self.keys;
        sqlx::query!("delete from attempts where key = $1", account).execute(pool).await?;
        sqlx::query!("update attempts set count = greatest(count - 1, 0) where key = $1", address)
            .execute(pool)
            .await?;
        Ok(())
    }
}
