//! What every feature shares: the life of a request, extractors, errors.

pub mod client;
pub mod error;
pub mod extract;
pub mod paging;
pub mod preconditions;
pub mod request;
pub mod tls;
