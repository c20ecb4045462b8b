//! The list of conversations, and one with its messages.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::types::Json as Column;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    message::{Failure, Message, MessageRole, MessageStatus, ToolCall},
    start::end_abandoned,
};
use crate::{
    accounts::identity::Identity,
    http::{
        error::{Error, Problem, Result},
        extract::{Id, Json, Query},
        paging::{decode_cursor, encode_cursor, search_text},
    },
    server::state::AppState,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_conversations)).routes(routes!(
        get_conversation,
        update_conversation,
        delete_conversation
    ))
}

#[derive(Serialize, ToSchema)]
struct ConversationInfo {
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
struct Conversations {
    conversations: Vec<ConversationInfo>,
    /// `null` on the last page.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Conversation {
    #[serde(flatten)]
    info: ConversationInfo,
    /// Id of the last event that these messages contain: follow the events from here.
    position: String,
    messages: Vec<Message>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateConversation {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    title: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConversationsQuery {
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
    30
}

/// The place after a conversation, by activity.
#[derive(Serialize, Deserialize)]
struct Cursor {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
}

impl Cursor {
    fn decode(text: &str) -> Result<Self> {
        let plausible = decode_cursor(text).filter(|cursor: &Self| (1..=9999).contains(&cursor.time.year()));
        plausible.ok_or_else(|| Error::invalid("cursor", "must be the next_cursor of a page"))
    }
}

/// Your conversations, the most recently active first
#[utoipa::path(get, path = "/api/conversations", tag = "chat", params(ConversationsQuery),
    responses((status = 200, body = Conversations)))]
async fn list_conversations(
    State(state): State<AppState>,
    identity: Identity,
    Query(query): Query<ConversationsQuery>,
) -> Result<Json<Conversations>> {
    if !(1..=100).contains(&query.limit) {
        return Err(Error::invalid("limit", "must be 1 to 100"));
    }
    let search = search_text(&query.q)?;
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    // One more than asked for, which tells whether there is another page.
    let mut conversations = sqlx::query_as!(
        ConversationInfo,
        r#"select id, title, created_at, updated_at, coalesce(leased_until > now(), false) as "at_work!"
           from conversations
           where user_id = $1
             and ($2 = '' or strpos(lower(title), lower($2)) > 0 or exists
               (select from messages where conversation_id = id and strpos(lower(text), lower($2)) > 0))
             and ($3::timestamptz is null or (updated_at, id) < ($3, $4))
           order by updated_at desc, id desc limit $5"#,
        identity.user_id,
        search,
        cursor.as_ref().map(|cursor| cursor.time),
        cursor.as_ref().map(|cursor| cursor.id),
        query.limit + 1
    )
    .fetch_all(&state.pool())
    .await?;
    let more = conversations.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        conversations.pop();
    }
    let after = |last: &ConversationInfo| encode_cursor(&Cursor { id: last.id, time: last.updated_at });
    let next_cursor = conversations.last().filter(|_| more).map(after);
    Ok(Json(Conversations { conversations, next_cursor }))
}

/// One conversation with its messages
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 200, body = Conversation),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn get_conversation(State(state): State<AppState>, identity: Identity, Id(id): Id) -> Result<Json<Conversation>> {
    end_abandoned(&state, id).await?;
    let mut transaction = state.pool().begin().await?;
    // Position and messages are of one moment, since whoever writes holds the row.
    let conversation = sqlx::query!(
        r#"select title, created_at, updated_at, event_seq, run is not null as "at_work!" from conversations
           where id = $1 and user_id = $2 for share"#,
        id,
        identity.user_id
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(Error::NotFound)?;
    let messages = sqlx::query_as!(
        Message,
        r#"select seq, turn, role as "role: MessageRole", text, tool as "tool: Column<ToolCall>",
             status as "status: MessageStatus", error as "error: Column<Failure>", created_at
           from messages where conversation_id = $1 order by seq"#,
        id
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let info = ConversationInfo {
        id,
        title: conversation.title,
        created_at: conversation.created_at,
        updated_at: conversation.updated_at,
        at_work: conversation.at_work,
    };
    Ok(Json(Conversation { info, position: conversation.event_seq.to_string(), messages }))
}

/// Rename a conversation
#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "chat", request_body = UpdateConversation,
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationInfo),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn update_conversation(
    State(state): State<AppState>,
    identity: Identity,
    Id(id): Id,
    Json(form): Json<UpdateConversation>,
) -> Result<Json<ConversationInfo>> {
    let title = crate::tasks::check_title(&form.title).map_err(|error| Error::Validation(vec![error]))?;
    let conversation = sqlx::query_as!(
        ConversationInfo,
        r#"update conversations set title = $3 where id = $1 and user_id = $2
           returning id, title, created_at, updated_at, coalesce(leased_until > now(), false) as "at_work!""#,
        id,
        identity.user_id,
        title
    )
    .fetch_optional(&state.pool())
    .await?;
    conversation.map(Json).ok_or(Error::NotFound)
}

/// Delete a conversation for good; an answer in the making ends
#[utoipa::path(delete, path = "/api/conversations/{id}", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn delete_conversation(State(state): State<AppState>, identity: Identity, Id(id): Id) -> Result<StatusCode> {
    let deleted = sqlx::query!("delete from conversations where id = $1 and user_id = $2", id, identity.user_id)
        .execute(&state.pool())
        .await?;
    if deleted.rows_affected() == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}
