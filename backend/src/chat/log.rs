//! Writing a conversation's messages, each together with the event that tells of it, in one transaction.

use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, types::Json};
use uuid::Uuid;

use super::message::{
    ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep, EndReason, Failure, FailureCode, Message,
    MessageRole, MessageStatus, ToolCall,
};
use crate::{http::error::Error, server::state::AppState};

/// How a run ends.
#[derive(Debug)]
pub enum End {
    Reason(EndReason),
    Failed(Failure),
    /// The conversation was deleted, or another replica took this one for dead: there is nothing left to write to.
    Lost,
}

/// One stretch of work on a turn.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub id: Uuid,
    pub turn: Uuid,
    pub conversation_id: Uuid,
    pub user_id: Uuid,
}

impl Run {
    pub async fn log(&self, state: &AppState) -> Result<Log, End> {
        Log::begin(&state.pool(), self).await?.ok_or(End::Lost)
    }

    /// Lets the tool calls that wait go on. Those of a run that was not started by a confirmation have been declined.
    pub async fn confirm(&self, state: &AppState) -> Result<Vec<Message>, End> {
        let mut log = self.log(state).await?;
        let mut calls = log.calls(&["awaiting"]).await?;
        for message in &mut calls {
            message.status = MessageStatus::Running;
            log.answer(message).await?;
        }
        log.commit().await?;
        Ok(calls)
    }

    /// Adds text to an answer, and empties it.
    pub async fn say(&self, state: &AppState, seq: i32, text: &mut String) -> Result<(), End> {
        if text.is_empty() {
            return Ok(());
        }
        let mut log = self.log(state).await?;
        log.append(seq, text).await?;
        log.commit().await?;
        text.clear();
        Ok(())
    }
}

impl End {
    /// A fault of ours.
    pub fn broken(error: impl Into<Error>) -> Self {
        let error = error.into();
        tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), "a turn failed");
        Self::Failed(Failure::new(FailureCode::Internal, "Something went wrong on our side. Try again in a moment."))
    }

    /// For metrics and the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reason(EndReason::Done) => "done",
            Self::Reason(EndReason::Confirmation) => "confirmation",
            Self::Reason(EndReason::Cancelled) => "cancelled",
            Self::Reason(EndReason::Rounds) => "rounds",
            Self::Failed(failure) => failure.code.as_str(),
            Self::Lost => "lost",
        }
    }
}

impl From<sqlx::Error> for End {
    fn from(error: sqlx::Error) -> Self {
        Self::broken(error)
    }
}

/// A transaction that holds the conversation. Nothing of it counts before [`Log::commit`].
pub struct Log {
    transaction: Transaction<'static, Postgres>,
    conversation_id: Uuid,
    turn: Uuid,
    title: String,
}

impl Log {
    /// `None` when the run no longer holds the conversation.
    pub async fn begin(pool: &PgPool, run: &Run) -> sqlx::Result<Option<Self>> {
        let mut transaction = pool.begin().await?;
        let title = sqlx::query_scalar!(
            "select title from conversations where id = $1 and run = $2 for update",
            run.conversation_id,
            run.id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        Ok(title.map(|title| Self::of(transaction, run.conversation_id, run.turn, title)))
    }

    /// For who has locked the conversation's row by itself.
    pub fn of(transaction: Transaction<'static, Postgres>, conversation_id: Uuid, turn: Uuid, title: String) -> Self {
        Self { transaction, conversation_id, turn, title }
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    pub async fn commit(self) -> sqlx::Result<()> {
        self.transaction.commit().await
    }

    pub async fn say(&mut self, role: MessageRole, text: &str) -> sqlx::Result<Message> {
        let status = if role == MessageRole::User { MessageStatus::Done } else { MessageStatus::Streaming };
        let message = self.insert(role, status, text, None).await?;
        let (conversation_id, turn, title) = (self.conversation_id, self.turn, self.title.clone());
        self.tell("message_start", &ChatMessageStart { conversation_id, turn, title: &title, message: &message })
            .await?;
        Ok(message)
    }

    pub async fn append(&mut self, seq: i32, text: &str) -> sqlx::Result<()> {
        sqlx::query!(
            "update messages set text = text || $3 where conversation_id = $1 and seq = $2",
            self.conversation_id,
            seq,
            text
        )
        .execute(&mut *self.transaction)
        .await?;
        self.tell("text_delta", &ChatTextDelta { seq, text }).await
    }

    /// The assistant has said what it had to say in this round.
    pub async fn said(&mut self, seq: i32) -> sqlx::Result<()> {
        sqlx::query!(
            "update messages set status = 'done' where conversation_id = $1 and seq = $2",
            self.conversation_id,
            seq
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    pub async fn call(&mut self, tool: ToolCall, status: MessageStatus) -> sqlx::Result<Message> {
        let message = self.insert(MessageRole::Tool, status, "", Some(tool)).await?;
        self.tell_call(&message).await?;
        Ok(message)
    }

    pub async fn tell_call(&mut self, message: &Message) -> sqlx::Result<()> {
        self.tell("tool_call", &ChatToolStep { message }).await
    }

    /// Stores what became of a tool call.
    pub async fn answer(&mut self, message: &Message) -> sqlx::Result<()> {
        sqlx::query!(
            "update messages set status = $3, tool = $4::text::json where conversation_id = $1 and seq = $2",
            self.conversation_id,
            message.seq,
            message.status as MessageStatus,
            message.tool.as_ref().map(json).transpose()?
        )
        .execute(&mut *self.transaction)
        .await?;
        if message.status == MessageStatus::Running {
            self.tell_call(message).await
        } else {
            self.tell("tool_result", &ChatToolStep { message }).await
        }
    }

    /// Ends the run. Whatever is still open gets a state from which the next turn can go on.
    pub async fn end(&mut self, end: &End) -> sqlx::Result<()> {
        let (status, failure) = match end {
            End::Lost => return Ok(()),
            End::Reason(EndReason::Confirmation) => (None, None),
            End::Reason(_) => (Some(MessageStatus::Cancelled), None),
            End::Failed(failure) => (Some(MessageStatus::Failed), Some(failure)),
        };
        if let Some(status) = status {
            self.close_calls(status).await?;
            let closed = self.close_answer(status, failure).await?;
            if let Some(failure) = failure.filter(|_| !closed) {
                self.say(MessageRole::Assistant, "").await?;
                self.close_answer(status, Some(failure)).await?;
            }
        }
        let turn = self.turn;
        match end {
            End::Failed(failure) => self.tell("error", &ChatError { turn, failure }).await?,
            End::Reason(reason) => self.tell("message_end", &ChatMessageEnd { turn, reason: *reason }).await?,
            End::Lost => {}
        }
        sqlx::query!(
            "update conversations set run = null, turn = null, run_started_at = null, leased_until = null,
               cancelled = false, updated_at = now()
             where id = $1",
            self.conversation_id
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Calls that were cut off, or never got their turn.
    async fn close_calls(&mut self, status: MessageStatus) -> sqlx::Result<()> {
        for mut message in self.calls(&["running", "awaiting"]).await? {
            let detail = match message.status {
                MessageStatus::Running => "This was stopped half-way: look whether it has happened.",
                _ => "This was not done.",
            };
            message.resolve(status, "stopped", detail);
            self.answer(&message).await?;
        }
        Ok(())
    }

    /// The conversation's tool calls in these states.
    pub async fn calls(&mut self, statuses: &[&str]) -> sqlx::Result<Vec<Message>> {
        let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        sqlx::query_as!(
            Message,
            r#"select seq, turn, role as "role: MessageRole", text, tool as "tool: Json<ToolCall>",
                 status as "status: MessageStatus", error as "error: Json<Failure>", created_at
               from messages where conversation_id = $1 and role = 'tool' and status = any($2) order by seq"#,
            self.conversation_id,
            &statuses
        )
        .fetch_all(&mut *self.transaction)
        .await
    }

    pub async fn calls_of_turn(&mut self) -> sqlx::Result<Vec<Message>> {
        let mut calls = self.calls(&["running", "awaiting", "done", "failed", "declined", "cancelled"]).await?;
        calls.retain(|message| message.turn == self.turn);
        Ok(calls)
    }

    async fn close_answer(&mut self, status: MessageStatus, failure: Option<&Failure>) -> sqlx::Result<bool> {
        let closed = sqlx::query!(
            "update messages set status = $2, error = $3::text::json where conversation_id = $1 and status = 'streaming'",
            self.conversation_id,
            status as MessageStatus,
            failure.map(json).transpose()?
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(closed.rows_affected() > 0)
    }

    async fn insert(
        &mut self,
        role: MessageRole,
        status: MessageStatus,
        text: &str,
        tool: Option<ToolCall>,
    ) -> sqlx::Result<Message> {
        sqlx::query_as!(
            Message,
            r#"insert into messages (conversation_id, seq, turn, role, status, text, tool)
               select $1, coalesce(max(seq), 0) + 1, $2, $3, $4, $5, $6::text::json from messages where conversation_id = $1
               returning seq, turn, role as "role: MessageRole", text, tool as "tool: Json<ToolCall>",
                 status as "status: MessageStatus", error as "error: Json<Failure>", created_at"#,
            self.conversation_id,
            self.turn,
            role as MessageRole,
            status as MessageStatus,
            text,
            tool.as_ref().map(json).transpose()?
        )
        .fetch_one(&mut *self.transaction)
        .await
    }

    async fn tell(&mut self, name: &str, data: &impl Serialize) -> sqlx::Result<()> {
        sqlx::query!(
            "select record_conversation_event($1, $2, $3::text::json)",
            self.conversation_id,
            name,
            json(data)?
        )
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

/// Sent as text, since `sqlx` sends JSON as `jsonb`, which cannot hold what a `json` column can.
fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
