use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use todo_backend::chat::Limits;
use todo_llm::{Model, Script};
use tokio::time::{sleep, timeout};

use crate::{
    events::{Event, EventStream},
    support::{App, Call, Client, database},
};

pub const TIMEOUT: Duration = Duration::from_secs(10);
pub const API_KEY: &str = "sk-The-Key-Of-The-Model";

/// Starts a model, and a replica that uses it.
pub async fn replica(pool: &PgPool, script: Script) -> (Model, App) {
    let model = Model::start(script).await;
    let app = replica_with_limits(pool, &model, Limits::default());
    (model, app)
}

/// A replica that uses a running model, with other limits of the chat.
pub fn replica_with_limits(pool: &PgPool, model: &Model, limits: Limits) -> App {
    replica_with_settings(pool, &[("OPENAI_BASE_URL", &model.url()), ("OPENAI_API_KEY", API_KEY)], limits)
}

/// A replica with other settings and limits, which listens for notifications.
pub fn replica_with_settings(pool: &PgPool, settings: &[(&str, &str)], limits: Limits) -> App {
    let mut config = App::config(settings);
    config.chat.limits = limits;
    let app = App::with_config(database(pool), config);
    tokio::spawn(app.state.notifier.clone().listen(app.state.database.clone()));
    app
}

/// Events of a turn, in the order in which they were received.
#[derive(Debug)]
pub struct TurnEvents(pub Vec<Event>);

impl TurnEvents {
    /// Sends a request, and reads the stream to its end.
    pub async fn from_call(call: Call) -> Self {
        let mut stream = EventStream::open(call).await;
        Self::read_to_end(&mut stream).await
    }

    pub async fn read_to_end(stream: &mut EventStream) -> Self {
        let mut events = Vec::new();
        while let Some(event) = stream.next().await {
            // Heartbeats have no name.
            if !event.name.is_empty() {
                events.push(event);
            }
        }
        Self(events)
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|event| event.name.as_str()).collect()
    }

    /// The text of all deltas.
    pub fn text(&self) -> String {
        self.0
            .iter()
            .filter(|event| event.name == "text_delta")
            .map(|event| event.data["text"].as_str().unwrap())
            .collect()
    }

    pub fn last(&self) -> &Event {
        self.0.last().expect("at least one event")
    }

    /// The id of the conversation.
    pub fn conversation(&self) -> String {
        let event = self.0.iter().find(|event| event.name == "message_start").expect("a message_start");
        event.data["conversation_id"].as_str().unwrap().to_owned()
    }

    /// The reason for which the turn ended, or the code of its error.
    #[track_caller]
    pub fn end_reason(&self) -> &str {
        let last = self.last();
        match last.name.as_str() {
            "message_end" => last.data["reason"].as_str().unwrap(),
            "error" => last.data["code"].as_str().unwrap(),
            _ => panic!("the turn has no end: {self:#?}"),
        }
    }
}

pub fn message(text: &str) -> Value {
    json!({ "message": text })
}

pub fn message_in(conversation: &str, text: &str) -> Value {
    json!({ "conversation_id": conversation, "message": text })
}

impl Client {
    pub fn chat(&self, form: &Value) -> Call {
        self.post("/api/chat").json(form)
    }

    /// Sends a message or a confirmation, and waits for the end of the turn.
    pub async fn run_turn(&self, form: &Value) -> TurnEvents {
        TurnEvents::from_call(self.chat(form)).await
    }

    /// An answer to the calls of a conversation that wait, which names them as they are shown.
    pub async fn confirmation(&self, id: &str, yes: bool) -> Value {
        let messages = self.messages(id).await;
        let waiting = messages.iter().filter(|message| message["status"] == "awaiting").map(|message| &message["tool"]);
        let named = |tool: &Value| {
            let target = &tool["target"];
            json!({ "id": tool["id"], "task_id": target["id"], "version": target["version"] })
        };
        json!({ "conversation_id": id, "confirm": yes, "calls": waiting.map(named).collect::<Vec<_>>() })
    }

    pub async fn conversation(&self, id: &str) -> Value {
        self.get(&format!("/api/conversations/{id}")).await.ok(200)
    }

    /// The messages of a conversation, without the fields that differ from run to run.
    pub async fn messages(&self, id: &str) -> Vec<Value> {
        let mut messages = self.conversation(id).await["messages"].as_array().unwrap().clone();
        for message in &mut messages {
            let fields = message.as_object_mut().unwrap();
            fields.remove("turn");
            fields.remove("created_at");
        }
        messages
    }

    /// Waits until no turn of the conversation runs, and returns the conversation.
    pub async fn wait_until_idle(&self, id: &str) -> Value {
        let idle = async {
            loop {
                let conversation = self.conversation(id).await;
                if conversation["at_work"] == false {
                    return conversation;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(TIMEOUT, idle).await.expect("the turn ends")
    }
}
