//! Outgoing HTTP.

use reqwest::{Client, ClientBuilder, Url};

/// A builder for clients that will call this URL, with `rustls` and the cryptography that the connection to the
/// database uses as well. The system's certificate authorities are loaded only for `https`, because where they are
/// missing that is an error.
pub fn builder_for(url: &Url) -> ClientBuilder {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
}
