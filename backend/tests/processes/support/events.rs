use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::TIMEOUT;

/// An open event stream.
pub struct EventStream {
    response: Response,
    unread: String,
}

#[derive(Debug)]
pub struct Event {
    pub id: Option<i64>,
    pub name: String,
    pub data: Value,
}

impl EventStream {
    pub fn new(response: Response) -> Self {
        Self { response, unread: String::new() }
    }

    /// The next event; `None` at the end of the stream. A broken connection fails the test.
    pub async fn next(&mut self, description: &str) -> Option<Event> {
        let next = timeout(TIMEOUT, self.read());
        next.await.unwrap_or_else(|_| panic!("no event within {TIMEOUT:?}: {description}"))
    }

    /// The next event, which must have this name.
    pub async fn expect(&mut self, name: &str) -> Event {
        let event = self.next(name).await.unwrap_or_else(|| panic!("the stream ended instead of: {name}"));
        assert_eq!(event.name, name, "{event:?}");
        event
    }

    /// Reads events until each of these tasks was in a `task` event, or until a `resync`, which stands for all changes.
    pub async fn wait_for_tasks(&mut self, mut tasks: Vec<String>) {
        while !tasks.is_empty() {
            let event = self.next("a task event").await.expect("the stream continues");
            match event.name.as_str() {
                "task" => tasks.retain(|task| !event.data["ids"].as_array().unwrap().iter().any(|id| id == task)),
                "resync" => tasks.clear(),
                _ => panic!("unexpected {event:?}"),
            }
        }
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let event = parse(block);
                self.unread = rest.into();
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.response.chunk().await.expect("the connection does not break")?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// `None` for a comment.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Some(Event {
        name: field("event")?.to_owned(),
        id: field("id").map(|id| id.parse().unwrap()),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}
