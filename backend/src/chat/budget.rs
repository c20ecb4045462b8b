//! What users may use of the model in a day. It is counted in the database, so that it holds over all replicas and
//! restarts.
//!
//! The row of the user is locked before a conversation and that of all users last, because every turn needs the latter.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{config::Budget, error::Error};

/// What has been used today.
struct Usage {
    turns: i64,
    tokens: i64,
    /// Until the next day begins.
    seconds_left: i64,
}

/// Counts a turn that a user starts. Until the end of the transaction, no other turn of the user can start.
pub async fn count_turn_of_user(connection: &mut PgConnection, user_id: Uuid, budget: Budget) -> Result<(), Error> {
    let usage = add_to_user(connection, user_id, 1, 0).await?.ok_or(Error::NotFound)?;
    check(&usage, budget, "your", "")
}

/// Counts a turn in the budget of all users.
pub async fn count_turn(connection: &mut PgConnection, budget: Budget) -> Result<(), Error> {
    let usage = add_to_total(connection, 1, 0).await?;
    check(&usage, budget, "the", " of all users")
}

/// Counts the tokens of a turn, also when its user has been deleted meanwhile.
pub async fn count_tokens(pool: &PgPool, user_id: Uuid, tokens: i64) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    add_to_user(&mut transaction, user_id, 0, tokens).await?;
    add_to_total(&mut transaction, 0, tokens).await?;
    transaction.commit().await
}

/// `None` when there is no such user. The user's row is locked first, as it is when the user is deleted.
async fn add_to_user(
    connection: &mut PgConnection,
    user_id: Uuid,
    turns: i64,
    tokens: i64,
) -> sqlx::Result<Option<Usage>> {
    sqlx::query_as!(
        Usage,
        r#"insert into chat_usage_of_users as usage (user_id, day, turns, tokens)
             select id, (now() at time zone 'utc')::date, $2, $3 from users where id = $1 for key share
           on conflict (user_id, day) do update
             set turns = usage.turns + excluded.turns, tokens = usage.tokens + excluded.tokens
           returning turns, tokens,
             ceil(extract(epoch from (day + 1)::timestamp at time zone 'utc' - now()))::bigint as "seconds_left!""#,
        user_id,
        turns,
        tokens
    )
    .fetch_optional(connection)
    .await
}

async fn add_to_total(connection: &mut PgConnection, turns: i64, tokens: i64) -> sqlx::Result<Usage> {
    sqlx::query_as!(
        Usage,
        r#"insert into chat_usage as usage (day, turns, tokens) values ((now() at time zone 'utc')::date, $1, $2)
           on conflict (day) do update
             set turns = usage.turns + excluded.turns, tokens = usage.tokens + excluded.tokens
           returning turns, tokens,
             ceil(extract(epoch from (day + 1)::timestamp at time zone 'utc' - now()))::bigint as "seconds_left!""#,
        turns,
        tokens
    )
    .fetch_one(connection)
    .await
}

fn check(usage: &Usage, budget: Budget, whose: &str, of_all: &str) -> Result<(), Error> {
    let (amount, unit) = if usage.turns > budget.turns {
        (budget.turns, "messages")
    } else if usage.tokens >= budget.tokens {
        (budget.tokens, "tokens")
    } else {
        return Ok(());
    };
    let budget = format!("{whose} {amount} {unit} of the day{of_all}");
    Err(Error::DailyBudgetReached { budget, retry_after: usage.seconds_left.max(1).unsigned_abs() })
}

/// Removes what was counted before yesterday, at most `limit` rows of users, and gives the number of removed rows.
pub async fn remove_expired(pool: &PgPool, limit: i64) -> sqlx::Result<u64> {
    let total = sqlx::query!("delete from chat_usage where day < (now() at time zone 'utc')::date - 1");
    let of_users = sqlx::query!(
        "with expired as
             (select user_id, day from chat_usage_of_users where day < (now() at time zone 'utc')::date - 1
              limit $1 for update skip locked)
         delete from chat_usage_of_users usage using expired
         where (usage.user_id, usage.day) = (expired.user_id, expired.day)",
        limit
    );
    Ok(total.execute(pool).await?.rows_affected() + of_users.execute(pool).await?.rows_affected())
}
