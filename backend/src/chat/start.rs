//! Starting a run: the user must own the conversation, and no other run may work on it.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{
    budget,
    error::Error,
    message::{ConfirmedCall, Failure, Message, MessageStatus},
    state::Chat,
    transcript::{End, Run, Transcript},
};
use crate::{
    accounts::LimitedAction,
    db::idempotency::{self, Attempt},
    http::slots::Slot,
    validation::FieldError,
};

/// Longest title that is made out of a message, in characters.
const MAX_TITLE_CHARACTERS: usize = 60;

/// What a run is started with.
pub enum Start {
    /// A message of the user; with `replace_from`, it replaces the message with that number and all that followed.
    Message { text: String, replace_from: Option<i32>, time_zone: Option<TimeZone> },
    /// Yes or no to the tool calls that wait, which the answer has to name.
    Confirm { confirmed: bool, calls: Vec<ConfirmedCall> },
    /// The last turn, which failed or was stopped, goes on from what it has done.
    Retry,
}

/// What a request has started.
pub enum Started {
    /// A new run, whose events come after the position.
    Now { run: Run, position: i64, slot: Slot },
    /// An earlier attempt at the same request has started it.
    Before(StartedBefore),
}

/// What is stored under the key of a request.
#[derive(Serialize, Deserialize)]
pub struct StartedBefore {
    pub conversation_id: Uuid,
    pub position: i64,
}

/// A conversation whose row is locked.
struct LockedConversation {
    transaction: Transaction<'static, Postgres>,
    title: String,
    /// Number of its newest event.
    position: i64,
}

/// Takes the conversation for a new run, once for each key.
pub async fn start(
    chat: &Chat,
    user_id: Uuid,
    conversation_id: Option<Uuid>,
    start: Start,
    attempt: Option<Attempt>,
) -> Result<Started, Error> {
    if let Some(id) = conversation_id {
        end_abandoned(chat, id).await?;
    }
    let mut transaction = chat.pool().begin().await?;
    if let Some(attempt) = &attempt
        && let Some(first) = idempotency::claim(&mut transaction, user_id, attempt).await?
    {
        return Ok(Started::Before(serde_json::from_str(first.get()).map_err(anyhow::Error::from)?));
    }
    let slot = chat.slot(user_id)?;
    budget::count_turn_of_user(&mut transaction, user_id, chat.config().user_budget).await?;
    let (conversation_id, conversation) = match (conversation_id, &start) {
        (Some(id), _) => (id, lock(transaction, user_id, id).await?),
        (None, Start::Message { text, replace_from: None, .. }) => {
            create(transaction, user_id, text, chat.config().max_conversations_per_user).await?
        }
        (None, _) => return Err(FieldError::new("conversation_id", "is required").into()),
    };
    let LockedConversation { transaction, title, position } = conversation;
    let mut run = Run { id: Uuid::now_v7(), turn: Uuid::now_v7(), conversation_id, user_id };
    let mut transcript = Transcript::locked(chat, transaction, conversation_id, run.turn, title);
    match start {
        Start::Message { text, replace_from, time_zone } => {
            if let Some(seq) = replace_from {
                delete_from(&mut transcript, conversation_id, seq).await?;
            }
            decline(&mut transcript).await?;
            transcript.add_question(&text, time_zone.as_ref().and_then(TimeZone::iana_name)).await?;
        }
        Start::Confirm { confirmed, mut calls } => {
            let waiting = transcript.calls(&["awaiting"]).await?;
            let Some(first) = waiting.first() else {
                let error = FieldError::new("confirm", "has nothing to answer: no tool call waits");
                return Err(Error::Outdated(error));
            };
            let mut shown: Vec<_> = waiting.iter().map(Message::confirmation).collect();
            shown.sort_unstable();
            calls.sort_unstable();
            if !shown.iter().map(Option::as_ref).eq(calls.iter().map(Some)) {
                let rule = "must be the calls that wait, each with the task and the version that was shown";
                return Err(Error::Outdated(FieldError::new("calls", rule)));
            }
            // A confirmation goes on with the turn that asked for it.
            run.turn = first.turn;
            if !confirmed {
                decline(&mut transcript).await?;
            }
        }
        Start::Retry => run.turn = reopen_turn(&mut transcript, conversation_id).await?,
    }
    let connection = transcript.connection();
    sqlx::query!(
        "update conversations set run = $2, turn = $3, run_started_at = now(), updated_at = now(), cancelled = false,
           leased_until = now() + make_interval(secs => $4)
         where id = $1",
        conversation_id,
        run.id,
        run.turn,
        chat.limits().lease.as_secs_f64()
    )
    .execute(&mut *connection)
    .await?;
    let limiter = &chat.dependencies().rate_limiter;
    limiter.count(&mut *connection, LimitedAction::ChatTurn(user_id), chat.config().turns_per_minute).await??;
    budget::count_turn(connection, chat.config().total_budget).await?;
    if let Some(attempt) = &attempt {
        let answer = serde_json::value::to_raw_value(&StartedBefore { conversation_id, position });
        idempotency::store(transcript.connection(), user_id, attempt, &answer.map_err(anyhow::Error::from)?).await?;
    }
    transcript.commit().await?;
    Ok(Started::Now { run, position, slot })
}

/// Makes the last turn one that is not over, if it failed or was stopped, and gives it. What it has done stays, and what
/// the assistant was saying is dropped.
async fn reopen_turn(transcript: &mut Transcript, conversation_id: Uuid) -> Result<Uuid, Error> {
    let last = sqlx::query!(
        r#"select turn, seq, role = 'assistant' and status in ('failed', 'cancelled') as "broken!",
             status = 'cancelled' or coalesce(end_reason = 'cancelled', false) as "cancelled!"
           from messages where conversation_id = $1 order by seq desc limit 1"#,
        conversation_id
    )
    .fetch_optional(transcript.connection())
    .await?;
    let Some(last) = last.filter(|last| last.broken || last.cancelled) else {
        let rule = "has nothing to repeat: the last answer neither failed nor was stopped";
        return Err(Error::Outdated(FieldError::new("retry", rule)));
    };
    if last.broken {
        sqlx::query!("delete from messages where conversation_id = $1 and seq = $2", conversation_id, last.seq)
            .execute(transcript.connection())
            .await?;
    } else {
        sqlx::query!(
            "update messages set end_reason = null where conversation_id = $1 and seq = $2",
            conversation_id,
            last.seq
        )
        .execute(transcript.connection())
        .await?;
    }
    Ok(last.turn)
}

/// Two requests cannot exceed the quota together, because no other turn of the user can start meanwhile.
async fn create(
    mut transaction: Transaction<'static, Postgres>,
    user_id: Uuid,
    text: &str,
    max_conversations: u32,
) -> Result<(Uuid, LockedConversation), Error> {
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from conversations where user_id = $1"#, user_id)
        .fetch_one(&mut *transaction)
        .await?;
    if count >= i64::from(max_conversations) {
        let rule = format!("is reached: a user can have at most {max_conversations} conversations. Delete one first");
        return Err(Error::QuotaReached(FieldError::new("max_conversations_per_user", rule)));
    }
    let (id, title) = (Uuid::now_v7(), title_of(text));
    sqlx::query!("insert into conversations (id, user_id, title) values ($1, $2, $3)", id, user_id, title)
        .execute(&mut *transaction)
        .await?;
    Ok((id, LockedConversation { transaction, title, position: 0 }))
}

async fn lock(
    mut transaction: Transaction<'static, Postgres>,
    user_id: Uuid,
    id: Uuid,
) -> Result<LockedConversation, Error> {
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
            Err(Error::TurnInProgress { since })
        }
        None => Ok(LockedConversation { transaction, title: conversation.title, position: conversation.event_seq }),
    }
}

/// Ends the run of a replica that no longer renews its lease. Any replica may do this.
pub async fn end_abandoned(chat: &Chat, conversation_id: Uuid) -> sqlx::Result<()> {
    let mut transaction = chat.pool().begin().await?;
    let abandoned = sqlx::query!(
        r#"select turn as "turn!", title from conversations
           where id = $1 and run is not null and leased_until < now() for update"#,
        conversation_id
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(abandoned) = abandoned else { return Ok(()) };
    let mut transcript = Transcript::locked(chat, transaction, conversation_id, abandoned.turn, abandoned.title);
    transcript.end(&End::Failed(Failure::interrupted())).await?;
    transcript.commit().await?;
    chat.metrics().turn_ended("interrupted");
    Ok(())
}

/// Deletes a message of the user and all that came after it.
async fn delete_from(transcript: &mut Transcript, conversation_id: Uuid, seq: i32) -> Result<(), Error> {
    let deleted = sqlx::query!(
        "delete from messages where conversation_id = $1 and seq >= $2 and exists
           (select from messages where conversation_id = $1 and seq = $2 and role = 'user')",
        conversation_id,
        seq
    )
    .execute(transcript.connection())
    .await?;
    if deleted.rows_affected() == 0 {
        let rule = "must be the seq of a message of yours in this conversation";
        return Err(FieldError::new("replace_from", rule).into());
    }
    Ok(())
}

async fn decline(transcript: &mut Transcript) -> sqlx::Result<()> {
    for mut message in transcript.calls(&["awaiting"]).await? {
        message.resolve(MessageStatus::Declined, "declined", "The user does not want this to be done.");
        transcript.update_call(&message).await?;
    }
    Ok(())
}

/// The title of a conversation that begins with this message.
fn title_of(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|character| !character.is_control()).collect();
    if line.chars().count() <= MAX_TITLE_CHARACTERS {
        return if line.is_empty() { "Conversation".into() } else { line };
    }
    let beginning: String = line.chars().take(MAX_TITLE_CHARACTERS).collect();
    // The title ends between two words, unless one word is most of it.
    let end = beginning.rfind(' ').filter(|end| *end > MAX_TITLE_CHARACTERS / 2).unwrap_or(beginning.len());
    format!("{}…", &beginning[..end])
}
