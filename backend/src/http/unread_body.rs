//! The part of a request's body that nobody reads.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
};
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::{runtime::Handle, time::timeout};

/// Most bytes that are read of one body after its request was answered: more than the largest body that a route takes.
const MAX_DISCARDED_BYTES: usize = 8 * 1024 * 1024;
/// How long a client may take to send them.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Lets a client that still sends its body receive the answer. If the connection were closed while there is data that
/// nobody has read, the system would reset it, and the client would lose an answer that it has not read yet.
pub async fn discard_unread_body(request: Request) -> Request {
    // Such a client sends its body only when somebody reads it.
    let waits = request.headers().contains_key(header::EXPECT);
    request.map(|body| Body::new(ObservedBody { body, is_settled: waits }))
}

struct ObservedBody {
    body: Body,
    /// Nothing is left to read: it has ended, or was not begun.
    is_settled: bool,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.is_settled = matches!(frame, Poll::Ready(None | Some(Err(_))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ObservedBody {
    fn drop(&mut self) {
        if self.is_settled || self.body.is_end_stream() {
            return;
        }
        // The answer is sent meanwhile.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(DISCARD_TIMEOUT, discard(std::mem::take(&mut self.body))));
        }
    }
}

async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut size = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        size += chunk.len();
        if size > MAX_DISCARDED_BYTES {
            break;
        }
    }
}
