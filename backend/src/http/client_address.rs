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
    /// places from the right; anything further left is the client's own claim.
    fn find(headers: &HeaderMap, extensions: &Extensions, trusted_hops: usize) -> Option<Self> {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|entry| entry.trim().parse().ok())
            .collect();
        let position = forwarded.len().checked_sub(trusted_hops);
        let claimed = position.and_then(|position| forwarded.get(position)).or(forwarded.first());
        if trusted_hops == 0 { peer } else { claimed.copied().or(peer) }.map(|address| Self(address.to_canonical()))
    }
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
    use super::*;

    fn found(header: Option<&str>, hops: usize) -> String {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("x-forwarded-for", value.parse().unwrap());
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
    }
}
