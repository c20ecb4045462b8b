//! Who is asking: the extractors every protected route starts with.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use axum_extra::extract::CookieJar;
use uuid::Uuid;

use super::origin;
use crate::{
    http::{
        error::{Error, Result},
        request::RequestUser,
    },
    server::state::AppState,
};

pub const COOKIE: &str = "todo_session";

/// Any valid credential: a session or an API token.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub user_id: Uuid,
    /// The credential that was used.
    pub credential_id: Uuid,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Kind {
    Session,
    Token,
}

impl FromRequestParts<AppState> for Identity {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let bearer = parts.headers.get(header::AUTHORIZATION).map(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        // Whoever sends the header means it: no falling back to the cookie.
        let secret = if let Some(token) = bearer {
            token.ok_or(Error::Unauthorized)?
        } else {
            let jar = CookieJar::from_headers(&parts.headers);
            let secret = jar.get(COOKIE).ok_or(Error::Unauthorized)?.value().to_owned();
            origin::check(&parts.method, &parts.headers, &state.config.cors_origins)?;
            secret
        };
        let identity = find(state, &secret).await?.ok_or(Error::Unauthorized)?;
        let Ok(request_user) = RequestUser::from_request_parts(parts, state).await;
        request_user.set(identity.user_id);
        Ok(identity)
    }
}

/// `last_used_at` is a help for people: once a minute is enough, and spares a write for each read.
async fn find(state: &AppState, secret: &str) -> Result<Option<Identity>> {
    let identity = sqlx::query_as!(
        Identity,
        r#"with touched as (
             update credentials set last_used_at = now()
             where token_hash = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
           )
           select user_id, id as credential_id, kind as "kind: Kind" from credentials
           where token_hash = $1 and (expires_at is null or expires_at > now())"#,
        state.tokens.hash(secret)
    )
    .fetch_optional(&state.pool())
    .await?;
    Ok(identity)
}

/// A signed-in person. Managing the account is not for API tokens, which may have leaked.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub user_id: Uuid,
    pub id: Uuid,
}

impl FromRequestParts<AppState> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let identity = Identity::from_request_parts(parts, state).await?;
        match identity.kind {
            Kind::Session => Ok(Self { user_id: identity.user_id, id: identity.credential_id }),
            Kind::Token => Err(Error::SessionRequired),
        }
    }
}
