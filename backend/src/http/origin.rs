//! Protection of cookie requests against pages of other origins (CSRF).
//!
//! The same rules as the Go standard library's `CrossOriginProtection`: a browser sends in `Sec-Fetch-Site` where a
//! request comes from. Older browsers send only `Origin`, which must name the host of the request.

use axum::http::{HeaderMap, Method, header};

use super::error::{Error, Result};

/// Whether a request that carries a cookie may change something.
pub fn check(method: &Method, headers: &HeaderMap, allowed_origins: &[String]) -> Result<()> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN.as_str());
    if origin.is_some_and(|origin| allowed_origins.iter().any(|allowed| allowed == origin)) {
        return Ok(());
    }
    let same_origin = match (text("sec-fetch-site"), origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        // Not a browser: programs may send a cookie, and no page can make them.
        (None, None) => true,
        (None, Some(origin)) => {
            // A cross-origin page cannot set X-Forwarded-Host without a preflight, so a proxy's word is good.
            let host = text("x-forwarded-host").or_else(|| text(header::HOST.as_str()));
            host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, authority)| authority == host))
        }
    };
    if same_origin { Ok(()) } else { Err(Error::ForbiddenOrigin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        check(&Method::POST, &headers, &["https://friend.example".into()]).is_ok()
    }

    #[test]
    fn only_our_own_pages_and_listed_origins_may_change_things() {
        assert!(allowed(&[]));
        assert!(allowed(&[("sec-fetch-site", "same-origin"), ("origin", "http://behind.a.proxy")]));
        assert!(allowed(&[("sec-fetch-site", "none")]));
        assert!(!allowed(&[("sec-fetch-site", "cross-site")]));
        assert!(!allowed(&[("sec-fetch-site", "same-site"), ("origin", "http://other.todo.local")]));
        assert!(allowed(&[("sec-fetch-site", "cross-site"), ("origin", "https://friend.example")]));
        assert!(allowed(&[("origin", "http://todo.local"), ("host", "todo.local")]));
        assert!(!allowed(&[("origin", "http://evil.example"), ("host", "todo.local")]));
        assert!(!allowed(&[("origin", "null"), ("host", "todo.local")]));
        let proxied = [("origin", "http://todo.local"), ("host", "backend:8000"), ("x-forwarded-host", "todo.local")];
        assert!(allowed(&proxied));
    }
}
