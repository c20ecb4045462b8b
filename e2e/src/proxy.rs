//! An address on 127.0.0.1 that forwards to a Service, through the same rules of the node as any other client.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

pub struct ServiceProxy {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _accepting: AbortOnDropHandle<()>,
}

impl ServiceProxy {
    /// Listens, and forwards each connection to one of its own at `target`.
    pub async fn start(target: SocketAddr) -> Result<Self> {
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

/// When the connection to the target is refused or breaks, the client's is closed, and the client reports it.
async fn forward(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
