//! What the routes of every feature share: the life of a request, extractors, problems, event streams. Uses `db`,
//! `notifier`, `telemetry` and `validation`; knows no feature.

pub mod client;
pub mod client_address;
pub mod error;
pub mod event_stream;
pub mod extract;
pub mod headers;
pub mod origin;
pub mod problem;
pub mod request;
pub mod slots;
pub mod unread_body;
pub mod wake;
