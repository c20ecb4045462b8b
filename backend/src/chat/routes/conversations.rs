//! The list of conversations, and one with its messages.

use axum::{
    extract::{FromRef, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    conversations::{self, Conversation, ConversationInfo, ConversationsQuery},
    start::end_abandoned,
    state::Chat,
};
use crate::{
    accounts::{Accounts, Identity},
    db::paging::Page,
    http::{
        error::Result,
        extract::{Id, Json, Query},
        problem::Problem,
    },
    tasks::title_schema,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    Chat: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list_conversations)).routes(routes!(
        get_conversation,
        update_conversation,
        delete_conversation
    ))
}

#[derive(Serialize, ToSchema)]
struct Conversations {
    conversations: Vec<ConversationInfo>,
    /// `null` on the last page.
    next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateConversation {
    #[schema(schema_with = title_schema)]
    title: String,
}

/// Your conversations, the most recently active first
#[utoipa::path(get, path = "/api/conversations", tag = "chat", params(ConversationsQuery),
    responses((status = 200, body = Conversations)))]
async fn list_conversations(
    State(chat): State<Chat>,
    identity: Identity,
    Query(query): Query<ConversationsQuery>,
) -> Result<Json<Conversations>> {
    let Page { rows, next_cursor } = conversations::list(&chat.pool(), identity.user_id, &query).await?;
    Ok(Json(Conversations { conversations: rows, next_cursor }))
}

/// One conversation with its messages
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 200, body = Conversation),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn get_conversation(State(chat): State<Chat>, identity: Identity, Id(id): Id) -> Result<Json<Conversation>> {
    end_abandoned(&chat, id).await?;
    Ok(Json(conversations::get(&chat.pool(), identity.user_id, id).await?))
}

/// Rename a conversation
#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "chat", request_body = UpdateConversation,
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationInfo),
              (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn update_conversation(
    State(chat): State<Chat>,
    identity: Identity,
    Id(id): Id,
    Json(form): Json<UpdateConversation>,
) -> Result<Json<ConversationInfo>> {
    Ok(Json(conversations::rename(&chat.pool(), identity.user_id, id, &form.title).await?))
}

/// Delete a conversation for good; an answer in the making ends
#[utoipa::path(delete, path = "/api/conversations/{id}", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn delete_conversation(State(chat): State<Chat>, identity: Identity, Id(id): Id) -> Result<StatusCode> {
    conversations::delete(&chat.pool(), identity.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
