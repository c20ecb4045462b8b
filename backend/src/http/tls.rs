//! Clients for HTTP: `rustls` with the cryptography that the connection to the database uses as well.

use reqwest::{Client, ClientBuilder, Url};

/// Authorities of the system are needed, and looked for, only where `https` is.
pub fn client_for(url: &Url) -> ClientBuilder {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
}
