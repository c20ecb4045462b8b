//! The network address of the client.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{Extensions, HeaderMap, request::Parts},
};

/// How many proxies in front append to `X-Forwarded-For`; that many entries, from the right, are believed.
#[derive(Clone, Copy, Debug)]
pub struct TrustedProxyHops(pub usize);

/// Address of the client, seen through as many proxies as the configuration trusts; `0.0.0.0` when it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Each trusted proxy appended the address it saw to `X-Forwarded-For`, so the entry that counts stands that many
    /// places from the right; anything further left is the client's own claim. If a proxy wrote something else than an
    /// address, or there are fewer entries, the client is the furthest address that is known.
    fn find(headers: &HeaderMap, extensions: &Extensions, trusted_hops: usize) -> Option<Self> {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let entries = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let known = entries.take(trusted_hops).filter_map(parse).last();
        known.or(peer).map(|address| Self(address.to_canonical()))
    }
}

/// The address in an entry, which may have a port: `203.0.113.7`, `203.0.113.7:5123`, `2001:db8::1`,
/// `[2001:db8::1]:443`.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?.trim();
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || entry.parse().ok().map(|address: SocketAddr| address.ip());
    entry.parse().ok().or_else(in_brackets).or_else(with_port)
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress
where
    TrustedProxyHops: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let TrustedProxyHops(hops) = TrustedProxyHops::from_ref(state);
        let found = Self::find(&parts.headers, &parts.extensions, hops);
        Ok(found.unwrap_or(Self(IpAddr::from([0, 0, 0, 0]))))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found(header: Option<&str>, hops: usize) -> String {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 9], 4000))));
        ClientAddress::find(&headers, &extensions, hops).unwrap().0.to_string()
    }

    #[test]
    fn only_what_trusted_proxies_appended_is_believed() {
        assert_eq!(found(None, 0), "10.0.0.9");
        assert_eq!(found(Some("1.1.1.1"), 0), "10.0.0.9");
        assert_eq!(found(Some("1.1.1.1, 2.2.2.2"), 1), "2.2.2.2");
        assert_eq!(found(Some("9.9.9.9, 1.1.1.1, 2.2.2.2"), 2), "1.1.1.1");
        assert_eq!(found(Some("::ffff:1.2.3.4"), 1), "1.2.3.4");
        assert_eq!(found(Some("2.2.2.2"), 2), "2.2.2.2");
        assert_eq!(found(None, 1), "10.0.0.9");
        assert_eq!(found(Some("1.1.1.1,2.2.2.2"), 1), "2.2.2.2");
    }

    #[test]
    fn an_entry_may_have_a_port() {
        assert_eq!(found(Some("1.1.1.1, 203.0.113.7:5123"), 1), "203.0.113.7");
        assert_eq!(found(Some("1.1.1.1, [2001:db8::1]:443"), 1), "2001:db8::1");
        assert_eq!(found(Some("1.1.1.1, [2001:db8::1]"), 1), "2001:db8::1");
        assert_eq!(found(Some("203.0.113.7:5123, [2001:db8::1]:443"), 2), "203.0.113.7");
        assert_eq!(found(Some("[::ffff:1.2.3.4]:80"), 1), "1.2.3.4");
    }

    /// Otherwise a client would be counted by an entry that it has written itself.
    #[test]
    fn an_entry_that_is_no_address_is_a_hop() {
        assert_eq!(found(Some("6.6.6.6, unknown"), 1), "10.0.0.9");
        assert_eq!(found(Some("6.6.6.6, "), 1), "10.0.0.9");
        assert_eq!(found(Some("6.6.6.6, unknown, 2.2.2.2"), 2), "2.2.2.2");
        assert_eq!(found(Some("1.1.1.1, _hidden:1, 2.2.2.2"), 1), "2.2.2.2");
        assert_eq!(found(Some("é, 6.6.6.6, 2.2.2.2"), 1), "2.2.2.2");
    }
}
