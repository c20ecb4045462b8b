//! Limits on wrong passwords, per account and per client address, and on turns of the chat, per user; in the database so
//! that they hold over replicas.

use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

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
            if let Some(retry_after) = count(pool, key, limit, 15).await? {
                return Err(Error::TooManyAttempts { retry_after });
            }
        }
        Ok(Attempt { keys })
    }

    /// Counts a turn of the chat, if `connection`'s transaction is committed.
    pub async fn turn(
        &self,
        connection: &mut PgConnection,
        token_key: &TokenKey,
        user_id: Uuid,
        per_minute: i32,
    ) -> Result<()> {
        match count(connection, &token_key.hash(&format!("chat {user_id}")), per_minute, 1).await? {
            None => Ok(()),
            Some(retry_after) => Err(Error::TooManyTurns { retry_after }),
        }
    }
}

/// Counts one in a window that starts with the first. When it is over the limit: the seconds until the window ends.
async fn count(database: impl PgExecutor<'_>, key: &[u8], limit: i32, minutes: i32) -> Result<Option<u64>> {
    let counted = sqlx::query!(
        r#"insert into attempts (key, count, resets_at) values ($1, 1, now() + make_interval(mins => $2))
           on conflict (key) do update set
             count = case when attempts.resets_at < now() then 1 else attempts.count + 1 end,
             resets_at = case when attempts.resets_at < now() then excluded.resets_at else attempts.resets_at end
           returning count, ceil(extract(epoch from resets_at - now()))::bigint as "seconds!""#,
        key,
        minutes
    )
    .fetch_one(database)
    .await?;
    Ok((counted.count > limit).then(|| counted.seconds.max(1).unsigned_abs()))
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
