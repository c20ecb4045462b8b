//! Standard input and output, one message on a line.

use std::{io, sync::Arc};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ErrorData, JsonRpcError, ServerJsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, stdin, stdout},
    sync::{Mutex, mpsc},
};

use crate::mcp::message;

/// Longest line, in bytes. The server accepts less, but what it refuses is then answered with its id.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// A transport that answers a line that is no message, which that of the SDK does not.
pub struct Stdio {
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
    output: Output,
}

impl Stdio {
    pub fn open() -> Self {
        let output = Output(Arc::new(Mutex::new(Box::new(stdout()))));
        let (sender, messages) = mpsc::channel(1);
        // It ends with the process: a read of standard input cannot be cancelled.
        tokio::spawn(read(BufReader::new(stdin()), sender, output.clone()));
        Self { messages, output }
    }
}

impl Transport<RoleServer> for Stdio {
    type Error = io::Error;

    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let output = self.output.clone();
        async move { output.write(&message).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes whole lines. A clone writes to the same output.
#[derive(Clone)]
struct Output(Arc<Mutex<Box<dyn AsyncWrite + Send + Unpin>>>);

impl Output {
    async fn write(&self, message: &ServerJsonRpcMessage) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut output = self.0.lock().await;
        output.write_all(&line).await?;
        output.flush().await
    }
}

/// Passes messages on until the input ends or nobody listens any more.
async fn read(input: impl AsyncBufRead + Unpin, messages: mpsc::Sender<ClientJsonRpcMessage>, output: Output) {
    if let Err(error) = try_read(input, messages, output).await {
        tracing::error!(%error, "standard input or output failed");
    }
}

async fn try_read(
    mut input: impl AsyncBufRead + Unpin,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    output: Output,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let message = if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            skip_line(&mut input).await?;
            let detail = format!("This line is longer than {MAX_LINE_BYTES} bytes. Send less at once.");
            Err(JsonRpcError::new(None, ErrorData::invalid_request(detail, None)))
        } else if line.trim_ascii().is_empty() {
            continue;
        } else {
            // Some programs begin their first line with a byte order mark.
            message::read(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line))
        };
        match message {
            Ok(message) => {
                if messages.send(message).await.is_err() {
                    return Ok(());
                }
            }
            Err(refusal) => output.write(&ServerJsonRpcMessage::Error(refusal)).await?,
        }
    }
}

/// Reads the rest of a line and throws it away.
async fn skip_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf().await?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (length, done) = (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty());
        input.consume(length);
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_answered_and_the_next_one_is_read() {
        let (ours, mut theirs) = duplex(4096);
        let output = Output(Arc::new(Mutex::new(Box::new(ours))));
        let (sender, mut messages) = mpsc::channel(1);
        let long = "x".repeat(3 * 1024 * 1024);
        let input = format!("\r\n{long}\n\u{feff}{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}}\n");
        try_read(input.as_bytes(), sender, output).await.unwrap();
        let mut answers = String::new();
        theirs.read_to_string(&mut answers).await.unwrap();
        assert_eq!((answers.lines().count(), answers.contains("-32600")), (1, true), "{answers}");
        assert!(messages.recv().await.is_some() && messages.recv().await.is_none());
    }

    /// When this fails, the transport of the SDK can take the place of this one.
    #[tokio::test]
    async fn the_sdk_does_not_answer_a_line_that_is_no_message() {
        let (ours, mut theirs) = duplex(4096);
        let mut transport = rmcp::transport::async_rw::AsyncRwTransport::new_server("{bad\n".as_bytes(), ours);
        assert!(transport.receive().await.is_none());
        transport.close().await.unwrap();
        drop(transport);
        let mut answers = String::new();
        theirs.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers, "");
    }
}
