//! Extractors that find out who sends a request.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header, request::Parts},
};
use axum_extra::extract::CookieJar;
use uuid::Uuid;

use super::{
    credential_cache::CredentialCache,
    identity::{Identity, Kind},
    state::Accounts,
};
use crate::http::{
    error::{Error, Result},
    origin,
    problem::Problem,
    request::RequestUser,
};

/// Name of the cookie that holds the secret of a session.
pub const SESSION_COOKIE: &str = "todo_session";
/// Name of the cookie by which an account knows a device.
pub const DEVICE_COOKIE: &str = "todo_device";

impl<S: Send + Sync> FromRequestParts<S> for Identity
where
    Accounts: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let accounts = Accounts::from_ref(state);
        let bearer = parts.headers.get(header::AUTHORIZATION).map(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        // A client that sends the header means it, so there is no falling back to the cookie.
        let secret = if let Some(token) = bearer {
            token.ok_or(Error::Unauthorized)?
        } else {
            let jar = CookieJar::from_headers(&parts.headers);
            let secret = jar.get(SESSION_COOKIE).ok_or(Error::Unauthorized)?.value().to_owned();
            origin::check(&parts.method, &parts.headers, &accounts.settings().allowed_origins)?;
            secret
        };
        let identity = accounts.identify(&secret).await?;
        let identity = identity.ok_or(Error::Unauthorized)?;
        let Ok(request_user) = RequestUser::from_request_parts(parts, state).await;
        request_user.set(identity.user_id);
        Ok(identity)
    }
}

/// A signed-in person. An API token may have leaked, so it cannot manage the account.
///
/// Who manages an account may end credentials of it. So this process forgets those of the user when the request is done
/// with its session.
pub struct Session {
    pub user_id: Uuid,
    pub id: Uuid,
    credentials: CredentialCache,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.credentials.forget(self.user_id);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session
where
    Accounts: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = Identity::from_request_parts(parts, state).await?;
        match identity.kind {
            Kind::Session => Ok(Self {
                user_id: identity.user_id,
                id: identity.credential_id,
                credentials: Accounts::from_ref(state).credentials().clone(),
            }),
            Kind::Token => {
                let detail = "An API token cannot manage the account. Sign in instead.";
                Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "session_required", detail).into())
            }
        }
    }
}
