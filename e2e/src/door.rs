//! An address on 127.0.0.1 that forwards to a Service, through the same rules of the node as any other client.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

pub struct Door {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _accepting: AbortOnDropHandle<()>,
}

impl Door {
    /// Each connection is forwarded to one of its own at `target`.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target));
            }
        });
        Ok(Self { url, _accepting: AbortOnDropHandle::new(accepting) })
    }
}

/// A refused or broken connection ends the client's, who reports it.
async fn forward(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
