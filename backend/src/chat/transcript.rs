//! Writing a conversation's messages, each in one transaction with the event that reports it.

use serde::Serialize;
use sqlx::{PgConnection, Postgres, Transaction, types::Json};
use uuid::Uuid;

use super::{
    message::{
        AsSent, ChatError, ChatMessageEnd, ChatMessageStart, ChatTextDelta, ChatToolStep, EndReason, Failure,
        FailureCode, Message, MessageRole, MessageStatus, ToolCall, query_messages,
    },
    model::Piece,
    state::Chat,
};
use crate::notifier::Notifier;

/// How a run ends.
#[derive(Debug)]
pub enum End {
    Reason(EndReason),
    Failed(Failure),
    /// The run no longer has the conversation: it was deleted, or another replica has ended the run after the lease
    /// expired.
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
    /// Opens the conversation for writing.
    pub async fn transcript(&self, chat: &Chat) -> Result<Transcript, End> {
        Transcript::open(chat, self).await?.ok_or(End::Lost)
    }

    /// Goes on with a transaction that has changed something on behalf of this run. The run's row is locked until the
    /// end of the transaction, and in it the run is neither stopped nor without a lease; else the error ends the
    /// transaction. The row is locked only now, since a change may wait long, and stopping a run needs the row.
    pub async fn fence(&self, chat: &Chat, mut transaction: Transaction<'static, Postgres>) -> Result<Transcript, End> {
        let held = sqlx::query!(
            r#"select title, cancelled, leased_until > clock_timestamp() as "leased!" from conversations
               where id = $1 and run = $2 and leased_until is not null for update"#,
            self.conversation_id,
            self.id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        match held {
            Some(held) if held.cancelled => Err(End::Reason(EndReason::Cancelled)),
            Some(held) if held.leased => {
                let mut transcript = Transcript::locked(chat, transaction, self.conversation_id, self.turn, held.title);
                transcript.changed_user = Some(self.user_id);
                Ok(transcript)
            }
            _ => Err(End::Lost),
        }
    }

    /// Lets the tool calls that wait go on, and gives them. Where the run was not started by a confirmation there are
    /// none, because its start has declined them.
    pub async fn confirm_calls(&self, chat: &Chat) -> Result<Vec<Message>, End> {
        let mut transcript = self.transcript(chat).await?;
        let mut calls = transcript.calls(&["awaiting"]).await?;
        for message in &mut calls {
            message.status = MessageStatus::Running;
            transcript.update_call(message).await?;
        }
        transcript.commit().await?;
        Ok(calls)
    }

    /// Moves both texts to the end of a message.
    pub async fn append(&self, chat: &Chat, seq: i32, piece: &mut Piece) -> Result<(), End> {
        if piece.is_empty() {
            return Ok(());
        }
        let mut transcript = self.transcript(chat).await?;
        if !piece.reasoning.is_empty() {
            transcript.append_reasoning(seq, &piece.reasoning).await?;
        }
        if !piece.text.is_empty() {
            transcript.append(seq, &piece.text).await?;
        }
        transcript.commit().await?;
        *piece = Piece::default();
        Ok(())
    }
}

impl End {
    /// An outage or a bug on our side, which is logged.
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        tracing::error!(error = format!("{:#}", error.into()), "a turn failed");
        Self::Failed(Failure::new(FailureCode::Internal, "Something went wrong on our side. Try again in a moment."))
    }

    /// The name in metrics and in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reason(EndReason::Done) => "done",
            Self::Reason(EndReason::Confirmation) => "confirmation",
            Self::Reason(EndReason::Cancelled) => "cancelled",
            Self::Reason(EndReason::Rounds) => "rounds",
            Self::Reason(EndReason::Length) => "length",
            Self::Reason(EndReason::Repeated) => "repeated",
            Self::Failed(failure) => failure.code.as_str(),
            Self::Lost => "lost",
        }
    }
}

impl From<sqlx::Error> for End {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

/// A tool call of the turn that is at work.
pub struct EarlierCall {
    pub tool: Json<ToolCall>,
    pub done: bool,
}

/// A conversation that is locked for writing. Nothing is stored before [`Transcript::commit`].
pub struct Transcript {
    transaction: Transaction<'static, Postgres>,
    notifier: Notifier,
    /// The user whose tasks the transaction may have changed, if it has.
    changed_user: Option<Uuid>,
    conversation_id: Uuid,
    turn: Uuid,
    title: String,
}

impl Transcript {
    /// `None` when the run no longer holds the conversation.
    pub async fn open(chat: &Chat, run: &Run) -> sqlx::Result<Option<Self>> {
        let mut transaction = chat.pool().begin().await?;
        let title = sqlx::query_scalar!(
            "select title from conversations where id = $1 and run = $2 for update",
            run.conversation_id,
            run.id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        Ok(title.map(|title| Self::locked(chat, transaction, run.conversation_id, run.turn, title)))
    }

    /// Takes a transaction that has locked the conversation's row already.
    pub fn locked(
        chat: &Chat,
        transaction: Transaction<'static, Postgres>,
        conversation_id: Uuid,
        turn: Uuid,
        title: String,
    ) -> Self {
        let notifier = chat.dependencies().notifier.clone();
        Self { transaction, notifier, changed_user: None, conversation_id, turn, title }
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Also wakes the streams that show what has changed.
    pub async fn commit(self) -> sqlx::Result<()> {
        self.transaction.commit().await?;
        for subject in self.changed_user.into_iter().chain([self.conversation_id]) {
            self.notifier.wake(subject);
        }
        Ok(())
    }

    /// Adds a message of the user.
    pub async fn add_question(&mut self, text: &str, time_zone: Option<&str>) -> sqlx::Result<()> {
        let message = self.insert(MessageRole::User, MessageStatus::Done, text, time_zone, None, None).await?;
        self.publish_start(&message).await
    }

    /// Begins a message of the assistant.
    pub async fn start_answer(&mut self) -> sqlx::Result<Message> {
        let message = self.insert(MessageRole::Assistant, MessageStatus::Streaming, "", None, None, None).await?;
        self.publish_start(&message).await?;
        Ok(message)
    }

    async fn publish_start(&mut self, message: &Message) -> sqlx::Result<()> {
        let (conversation_id, turn, title) = (self.conversation_id, self.turn, self.title.clone());
        let event = ChatMessageStart { conversation_id, turn, title: &title, message };
        self.publish("message_start", &event).await
    }

    /// Adds text to the end of a message that is being written.
    pub async fn append(&mut self, seq: i32, text: &str) -> sqlx::Result<()> {
        sqlx::query!(
            "insert into message_fragments (conversation_id, seq, number, text)
             select $1, $2, coalesce(max(number), 0) + 1, $3 from message_fragments
             where conversation_id = $1 and seq = $2",
            self.conversation_id,
            seq,
            text
        )
        .execute(&mut *self.transaction)
        .await?;
        self.publish("text_delta", &ChatTextDelta { seq, text }).await
    }

    /// Adds to what the model thought before it wrote a message.
    async fn append_reasoning(&mut self, seq: i32, text: &str) -> sqlx::Result<()> {
        sqlx::query!(
            "update messages set reasoning = reasoning || $3 where conversation_id = $1 and seq = $2",
            self.conversation_id,
            seq,
            text
        )
        .execute(&mut *self.transaction)
        .await?;
        self.publish("reasoning", &ChatTextDelta { seq, text }).await
    }

    /// Marks the message that the assistant was writing as complete.
    pub async fn complete_message(&mut self, as_sent: Option<&AsSent>) -> sqlx::Result<()> {
        self.close_answer(MessageStatus::Done, None, as_sent).await?;
        Ok(())
    }

    /// Adds a tool call.
    pub async fn add_call(&mut self, tool: ToolCall, as_sent: &AsSent, status: MessageStatus) -> sqlx::Result<Message> {
        let message = self.insert(MessageRole::Tool, status, "", None, Some(tool), Some(as_sent)).await?;
        self.publish_call(&message).await?;
        Ok(message)
    }

    async fn publish_call(&mut self, message: &Message) -> sqlx::Result<()> {
        self.publish("tool_call", &ChatToolStep { message }).await
    }

    /// Stores the status and the result of a tool call.
    pub async fn update_call(&mut self, message: &Message) -> sqlx::Result<()> {
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
            self.publish_call(message).await
        } else {
            self.publish("tool_result", &ChatToolStep { message }).await
        }
    }

    /// Ends the run. Messages that are not complete get a state from which the next turn can go on.
    pub async fn end(&mut self, end: &End) -> sqlx::Result<()> {
        let (status, failure) = match end {
            End::Lost => return Ok(()),
            End::Reason(EndReason::Confirmation) => (None, None),
            End::Reason(_) => (Some(MessageStatus::Cancelled), None),
            End::Failed(failure) => (Some(MessageStatus::Failed), Some(failure)),
        };
        if let Some(status) = status {
            self.close_calls(status).await?;
            let closed = self.close_answer(status, failure, None).await?;
            if let Some(failure) = failure.filter(|_| !closed) {
                self.start_answer().await?;
                self.close_answer(status, Some(failure), None).await?;
            }
        }
        let turn = self.turn;
        match end {
            End::Failed(failure) => self.publish("error", &ChatError { turn, failure }).await?,
            End::Reason(reason) => {
                self.store_reason(*reason).await?;
                self.publish("message_end", &ChatMessageEnd { turn, reason: *reason }).await?;
            }
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

    /// Stores why the turn ended, unless its messages say so.
    async fn store_reason(&mut self, reason: EndReason) -> sqlx::Result<()> {
        if matches!(reason, EndReason::Done | EndReason::Confirmation) {
            return Ok(());
        }
        sqlx::query!(
            "update messages set end_reason = $3 where conversation_id = $1
               and seq = (select max(seq) from messages where conversation_id = $1 and turn = $2)",
            self.conversation_id,
            self.turn,
            reason as EndReason
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Gives a result to calls that were interrupted, or never started.
    async fn close_calls(&mut self, status: MessageStatus) -> sqlx::Result<()> {
        for mut message in self.calls(&["running", "awaiting"]).await? {
            let detail = match message.status {
                MessageStatus::Running => "This was stopped before it was done. It changed nothing.",
                _ => "This was not done.",
            };
            message.resolve(status, "stopped", detail);
            self.update_call(&message).await?;
        }
        Ok(())
    }

    /// The conversation's tool calls in these states.
    pub async fn calls(&mut self, statuses: &[&str]) -> sqlx::Result<Vec<Message>> {
        let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        query_messages!(
            "select"
                + COLUMNS
                + "from messages where conversation_id = $1 and role = 'tool' and status = any($2) order by seq",
            self.conversation_id,
            &statuses
        )
        .fetch_all(&mut *self.transaction)
        .await
    }

    /// The tool calls of this turn so far. They are not taken apart in SQL, which fails where one contains `\u0000`.
    pub async fn calls_of_turn(&mut self) -> sqlx::Result<Vec<EarlierCall>> {
        sqlx::query_as!(
            EarlierCall,
            r#"select tool as "tool!: Json<ToolCall>", status = 'done' as "done!" from messages
               where conversation_id = $1 and turn = $2 and role = 'tool'"#,
            self.conversation_id,
            self.turn
        )
        .fetch_all(&mut *self.transaction)
        .await
    }

    /// Ends the message that the assistant was writing, and moves its text into it. Gives whether there was one.
    async fn close_answer(
        &mut self,
        status: MessageStatus,
        failure: Option<&Failure>,
        as_sent: Option<&AsSent>,
    ) -> sqlx::Result<bool> {
        let closed = sqlx::query!(
            "with moved as (
               delete from message_fragments where conversation_id = $1
                 and seq in (select seq from messages where conversation_id = $1 and status = 'streaming')
               returning seq, number, text
             )
             update messages set status = $2, error = $3::text::json, as_sent = $4::text::json, text = text ||
               coalesce((select string_agg(text, '' order by number) from moved where moved.seq = messages.seq), '')
             where conversation_id = $1 and status = 'streaming'",
            self.conversation_id,
            status as MessageStatus,
            failure.map(json).transpose()?,
            as_sent.map(json).transpose()?
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
        time_zone: Option<&str>,
        tool: Option<ToolCall>,
        as_sent: Option<&AsSent>,
    ) -> sqlx::Result<Message> {
        query_messages!(
            "insert into messages (conversation_id, seq, turn, role, status, text, time_zone, tool, as_sent)
             select $1, coalesce(max(seq), 0) + 1, $2, $3, $4, $5, $6, $7::text::json, $8::text::json
             from messages where conversation_id = $1
             returning"
                + COLUMNS,
            self.conversation_id,
            self.turn,
            role as MessageRole,
            status as MessageStatus,
            text,
            time_zone,
            tool.as_ref().map(json).transpose()?,
            as_sent.map(json).transpose()?
        )
        .fetch_one(&mut *self.transaction)
        .await
    }

    async fn publish(&mut self, name: &str, data: &impl Serialize) -> sqlx::Result<()> {
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

/// JSON as text, because `sqlx` sends JSON values as `jsonb`, which cannot hold all that a `json` column can.
fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
