//! The list of conversations, and one with its messages.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    error::Error,
    message::{self, Message},
    state::Chat,
};
use crate::{
    db::paging::{Page, check_limit, decode_cursor, is_comparable},
    tasks::check_title,
    validation::{FieldError, text::check_search},
};

/// Conversations on a page when the client asks for no number.
const DEFAULT_PAGE_SIZE: i64 = 30;
/// Bytes of messages that are read with a conversation.
const MAX_BYTES: i64 = 1024 * 1024;
/// Conversations on a page at most.
const MAX_PAGE_SIZE: i64 = 100;

#[derive(Serialize, ToSchema)]
pub struct ConversationInfo {
    id: Uuid,
    title: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When a turn last started or ended.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Whether an answer is in the making.
    at_work: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Conversation {
    #[serde(flatten)]
    info: ConversationInfo,
    /// Id of the last event that these messages contain: follow the events from here.
    position: String,
    /// The newest, about 1 MiB of them. If the `seq` of the first is not 1, earlier ones are left out.
    messages: Vec<Message>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConversationsQuery {
    /// Text to find in the title or in what was said, in any case.
    #[serde(default)]
    #[param(max_length = 200, pattern = r"^[^\x00]*$")]
    q: String,
    /// Conversations a page.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 30)]
    limit: i64,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

const fn default_limit() -> i64 {
    DEFAULT_PAGE_SIZE
}

/// The place after a conversation in the order of activity.
#[derive(Serialize, Deserialize)]
struct Cursor {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
}

impl Cursor {
    fn decode(text: &str) -> Result<Self, FieldError> {
        let cursor = decode_cursor(text).filter(|cursor: &Self| is_comparable(cursor.time));
        cursor.ok_or_else(|| FieldError::new("cursor", "must be the next_cursor of a page"))
    }
}

/// A page of a user's conversations, the most recently active first.
pub async fn list(pool: &PgPool, user_id: Uuid, query: &ConversationsQuery) -> Result<Page<ConversationInfo>, Error> {
    check_limit(query.limit, MAX_PAGE_SIZE)?;
    let search = check_search(&query.q)?;
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let conversations = sqlx::query_as!(
        ConversationInfo,
        r#"select id, title, created_at, updated_at, coalesce(leased_until > now(), false) as "at_work!"
           from conversations
           where user_id = $1
             and ($2 = '' or strpos(lower(title), lower($2)) > 0 or exists
               (select from messages where conversation_id = id and strpos(lower(text), lower($2)) > 0))
             and ($3::timestamptz is null or (updated_at, id) < ($3, $4))
           order by updated_at desc, id desc limit $5"#,
        user_id,
        search,
        cursor.as_ref().map(|cursor| cursor.time),
        cursor.as_ref().map(|cursor| cursor.id),
        query.limit + 1
    )
    .fetch_all(pool)
    .await?;
    Ok(Page::new(conversations, query.limit, |last| Cursor { id: last.id, time: last.updated_at }))
}

pub async fn get(pool: &PgPool, user_id: Uuid, id: Uuid) -> Result<Conversation, Error> {
    let mut transaction = pool.begin().await?;
    // The lock keeps the position and the messages of one moment: a run that writes holds the row.
    let conversation = sqlx::query!(
        r#"select title, created_at, updated_at, event_seq, run is not null as "at_work!" from conversations
           where id = $1 and user_id = $2 for share"#,
        id,
        user_id
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(Error::NotFound)?;
    let messages = message::newest(&mut *transaction, id, MAX_BYTES).await?;
    transaction.commit().await?;
    let info = ConversationInfo {
        id,
        title: conversation.title,
        created_at: conversation.created_at,
        updated_at: conversation.updated_at,
        at_work: conversation.at_work,
    };
    Ok(Conversation { info, position: conversation.event_seq.to_string(), messages })
}

/// Gives a conversation another title, which has to keep the rules of a task's title.
pub async fn rename(pool: &PgPool, user_id: Uuid, id: Uuid, title: &str) -> Result<ConversationInfo, Error> {
    let title = check_title(title)?;
    let conversation = sqlx::query_as!(
        ConversationInfo,
        r#"update conversations set title = $3 where id = $1 and user_id = $2
           returning id, title, created_at, updated_at, coalesce(leased_until > now(), false) as "at_work!""#,
        id,
        user_id,
        title
    )
    .fetch_optional(pool)
    .await?;
    conversation.ok_or(Error::NotFound)
}

/// Deletes a conversation for good. A run on it ends, because it finds nothing left to write to.
pub async fn delete(pool: &PgPool, user_id: Uuid, id: Uuid) -> Result<(), Error> {
    let deleted =
        sqlx::query!("delete from conversations where id = $1 and user_id = $2", id, user_id).execute(pool).await?;
    if deleted.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound) }
}

/// Asks the run on a conversation to stop, if there is one.
pub async fn cancel(chat: &Chat, user_id: Uuid, id: Uuid) -> Result<(), Error> {
    let run = sqlx::query_scalar!(
        "update conversations set cancelled = run is not null where id = $1 and user_id = $2 returning run",
        id,
        user_id
    )
    .fetch_optional(&chat.pool())
    .await?
    .ok_or(Error::NotFound)?;
    if let Some(run) = run {
        chat.dependencies().notifier.wake(run);
    }
    Ok(())
}
