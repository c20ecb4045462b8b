//! Sends chunks as server-sent events, with the quirks and the fault of the reply.

use std::{io, sync::Arc};

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::yield_now};
use tokio_util::sync::CancellationToken;

use crate::reply::{Fault, Quirk, Reply};

/// The events of a stream. Each permit of `gate` lets one chunk pass, and a closed gate lets all chunks pass.
pub fn events(chunks: Vec<Value>, reply: Reply, gate: Option<Arc<Semaphore>>) -> impl Stream<Item = io::Result<Bytes>> {
    let after = match &reply.fault {
        Some(Fault::Cut { after } | Fault::Stall { after } | Fault::Error { after, .. }) => *after,
        _ => usize::MAX,
    };
    let before_gate = reply.gate.as_ref().map_or(usize::MAX, |gate| gate.after);
    async_stream::stream! {
        for (number, chunk) in chunks.iter().enumerate().take_while(|(number, _)| *number < after) {
            if let Some(gate) = gate.as_ref().filter(|_| number >= before_gate) && let Ok(permit) = gate.acquire().await {
                permit.forget();
            }
            for bytes in writes(&event(&chunk.to_string(), &reply), &reply) {
                yield Ok(bytes);
                // Yielding flushes these bytes, so that the next ones are a separate write.
                yield_now().await;
            }
        }
        match &reply.fault {
            Some(Fault::Cut { .. }) => {
                yield Err(io::Error::from(io::ErrorKind::ConnectionReset));
                return;
            }
            Some(Fault::Stall { .. }) => std::future::pending::<()>().await,
            Some(Fault::Error { message, .. }) => {
                let error = json!({ "error": { "message": message, "type": "server_error", "code": null } });
                yield Ok(event(&error.to_string(), &reply).into());
            }
            _ => {}
        }
        if !reply.has(Quirk::NoDone) {
            yield Ok(event("[DONE]", &reply).into());
        }
    }
}

/// A body of the events, whose connection breaks when the model stops.
pub fn body(events: impl Stream<Item = io::Result<Bytes>> + Send + 'static, stop: CancellationToken) -> Body {
    Body::from_stream(async_stream::stream! {
        let mut events = std::pin::pin!(events);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => yield event,
                    None => break,
                },
                () = stop.cancelled() => {
                    yield Err(io::Error::from(io::ErrorKind::ConnectionReset));
                    break;
                }
            }
        }
    })
}

/// The bytes of a text, one element for each write.
pub fn writes(text: &str, reply: &Reply) -> Vec<Bytes> {
    let text = Bytes::copy_from_slice(text.as_bytes());
    if reply.has(Quirk::SplitBytes) { (0..text.len()).map(|at| text.slice(at..=at)).collect() } else { vec![text] }
}

fn event(data: &str, reply: &Reply) -> String {
    let comment = if reply.has(Quirk::Comments) { ": PROCESSING\n\n" } else { "" };
    let event = format!("{comment}data: {data}\n\n");
    if reply.has(Quirk::Crlf) { event.replace('\n', "\r\n") } else { event }
}
