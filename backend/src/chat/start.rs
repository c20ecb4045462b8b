//! Beginning a run: who asks must own the conversation, and nobody else may be at work on it.

use sqlx::{Postgres, Transaction};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{
    log::{End, Log, Run},
    message::{Failure, MessageRole, MessageStatus},
};
use crate::{
    http::error::{Error, FieldError, Result},
    server::state::AppState,
};

/// What the user wants.
pub enum Start {
    /// A message; `replace_from` is the place of an earlier one that it takes, with all that followed dropped.
    Message { text: String, replace_from: Option<i32> },
    /// Yes or no to the tool calls that wait.
    Confirm(bool),
}

/// A conversation's row, locked.
struct Held {
    transaction: Transaction<'static, Postgres>,
    title: String,
    /// Number of its newest event.
    position: i64,
}

/// Takes the conversation for a new run. Gives the position after which the run's events come.
pub async fn start(state: &AppState, user_id: Uuid, conversation_id: Option<Uuid>, start: Start) -> Result<(Run, i64)> {
    let held = match (conversation_id, &start) {
        (Some(id), _) => (id, take(state, user_id, id).await?),
        (None, Start::Message { text, replace_from: None }) => create(state, user_id, text).await?,
        (None, _) => return Err(Error::invalid("conversation_id", "is required")),
    };
    let (conversation_id, Held { transaction, title, position }) = held;
    let mut run = Run { id: Uuid::now_v7(), turn: Uuid::now_v7(), conversation_id, user_id };
    let mut log = Log::of(transaction, conversation_id, run.turn, title);
    match start {
        Start::Message { text, replace_from } => {
            if let Some(seq) = replace_from {
                drop_from(&mut log, conversation_id, seq).await?;
            }
            decline(&mut log).await?;
            log.say(MessageRole::User, &text).await?;
        }
        Start::Confirm(confirmed) => {
            let waiting = log.calls(&["awaiting"]).await?;
            let Some(first) = waiting.first() else {
                let error = FieldError::new("confirm", "has nothing to answer: no tool call waits");
                return Err(Error::Conflict(error));
            };
            // The turn goes on.
            run.turn = first.turn;
            if !confirmed {
                decline(&mut log).await?;
            }
        }
    }
    let connection = log.connection();
    sqlx::query!(
        "update conversations set run = $2, turn = $3, run_started_at = now(), updated_at = now(), cancelled = false,
           leased_until = now() + make_interval(secs => $4)
         where id = $1",
        conversation_id,
        run.id,
        run.turn,
        state.config.chat.limits.lease.as_secs_f64()
    )
    .execute(&mut *connection)
    .await?;
    state.limits.turn(connection, &state.tokens, user_id, state.config.chat.turns_per_minute).await?;
    log.commit().await?;
    Ok((run, position))
}

async fn create(state: &AppState, user_id: Uuid, text: &str) -> Result<(Uuid, Held)> {
    let (id, title) = (Uuid::now_v7(), title_of(text));
    let mut transaction = state.pool().begin().await?;
    sqlx::query!("insert into conversations (id, user_id, title) values ($1, $2, $3)", id, user_id, title)
        .execute(&mut *transaction)
        .await?;
    Ok((id, Held { transaction, title, position: 0 }))
}

async fn take(state: &AppState, user_id: Uuid, id: Uuid) -> Result<Held> {
    end_abandoned(state, id).await?;
    let mut transaction = state.pool().begin().await?;
    let conversation = sqlx::query!(
        "select title, event_seq, run_started_at from conversations where id = $1 and user_id = $2 for update",
        id,
        user_id
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(Error::NotFound)?;
    match conversation.run_started_at {
        Some(since) => {
            let since = since.format(&Rfc3339).map_err(anyhow::Error::from)?;
            Err(Error::TurnAtWork { since })
        }
        None => Ok(Held { transaction, title: conversation.title, position: conversation.event_seq }),
    }
}

/// Ends the run of a replica that no longer renews its lease. Anybody who looks at a conversation may do this.
pub async fn end_abandoned(state: &AppState, conversation_id: Uuid) -> sqlx::Result<bool> {
    let mut transaction = state.pool().begin().await?;
    let abandoned = sqlx::query!(
        r#"select turn as "turn!", title from conversations
           where id = $1 and run is not null and leased_until < now() for update"#,
        conversation_id
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(abandoned) = abandoned else { return Ok(false) };
    let mut log = Log::of(transaction, conversation_id, abandoned.turn, abandoned.title);
    log.end(&End::Failed(Failure::interrupted())).await?;
    log.commit().await?;
    state.metrics.chat.turn_ended("interrupted");
    Ok(true)
}

/// Drops a message of the user and all that came after it.
async fn drop_from(log: &mut Log, conversation_id: Uuid, seq: i32) -> Result<()> {
    let dropped = sqlx::query!(
        "delete from messages where conversation_id = $1 and seq >= $2 and exists
           (select from messages where conversation_id = $1 and seq = $2 and role = 'user')",
        conversation_id,
        seq
    )
    .execute(log.connection())
    .await?;
    if dropped.rows_affected() == 0 {
        return Err(Error::invalid("replace_from", "must be the seq of a message of yours in this conversation"));
    }
    Ok(())
}

async fn decline(log: &mut Log) -> sqlx::Result<()> {
    for mut message in log.calls(&["awaiting"]).await? {
        message.resolve(MessageStatus::Declined, "declined", "The user does not want this to be done.");
        log.answer(&message).await?;
    }
    Ok(())
}

/// The beginning of the first message.
fn title_of(text: &str) -> String {
    const LENGTH: usize = 60;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|character| !character.is_control()).collect();
    if line.chars().count() <= LENGTH {
        return if line.is_empty() { "Conversation".into() } else { line };
    }
    let beginning: String = line.chars().take(LENGTH).collect();
    // Not in the middle of a word, unless the word is most of it.
    let end = beginning.rfind(' ').filter(|end| *end > LENGTH / 2).unwrap_or(beginning.len());
    format!("{}…", &beginning[..end])
}
