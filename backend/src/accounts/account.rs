//! Signing up, in and out; the profile; the password.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use axum_extra::extract::CookieJar;
use email_address::{EmailAddress, Options};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    identity::{Identity, Session},
    sessions,
};
use crate::{
    http::{
        client::ClientAddress,
        error::{Error, FieldError, OnConstraint, Problem, Result},
        extract::Json,
    },
    server::state::AppState,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(me, update_me))
        .routes(routes!(change_password))
}

/// A person with an account.
#[derive(Serialize, ToSchema)]
pub struct User {
    pub id: Uuid,
    #[schema(format = "email")]
    pub email: String,
    pub name: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUp {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = "password", min_length = 10, max_length = 128)]
    password: SecretString,
    #[schema(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    #[schema(max_length = 254)]
    email: String,
    #[schema(value_type = String, format = "password", max_length = 128)]
    password: SecretString,
}

/// A merge: what is absent stays, `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateMe {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<Option<String>>,
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// Needed when the e-mail changes.
    #[schema(value_type = Option<String>, format = "password")]
    current_password: Option<SecretString>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
    #[schema(value_type = String, format = "password", min_length = 10, max_length = 128)]
    new_password: SecretString,
}

/// Tells a field that is `null` from one that is absent.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Lower case without surrounding white space: the form in which addresses are stored and compared.
fn normalise_email(email: &str) -> Result<String, FieldError> {
    let email = email.trim().to_lowercase();
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let valid = email.len() <= 254 && EmailAddress::parse_with_options(&email, options).is_ok();
    if valid { Ok(email) } else { Err(FieldError::new("email", "must be an e-mail address such as ada@example.com")) }
}

fn check_password(field: &str, password: &SecretString) -> Result<(), FieldError> {
    let length = password.expose_secret().chars().count();
    if (10..=128).contains(&length) { Ok(()) } else { Err(FieldError::new(field, "must be 10 to 128 characters")) }
}

/// Trimmed; empty is none.
fn check_name(name: Option<&str>) -> Result<Option<String>, FieldError> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    match name {
        Some(name) if name.chars().count() > 100 || name.chars().any(char::is_control) => {
            Err(FieldError::new("name", "must be at most 100 characters, without control characters"))
        }
        _ => Ok(name.map(str::to_owned)),
    }
}

fn email_taken() -> Error {
    Error::Conflict(FieldError::new("email", "already has an account; sign in instead"))
}

/// Make an account and sign in
#[utoipa::path(post, path = "/api/auth/sign-up", tag = "auth", security(()), request_body = SignUp,
    responses((status = 201, body = User), (status = 409, body = Problem, content_type = "application/problem+json")))]
async fn sign_up(
    State(state): State<AppState>,
    jar: CookieJar,
    headers: HeaderMap,
    Json(form): Json<SignUp>,
) -> Result<(StatusCode, CookieJar, Json<User>)> {
    let (email, password, name) =
        (normalise_email(&form.email), check_password("password", &form.password), check_name(form.name.as_deref()));
    let (email, name) = match (email, password, name) {
        (Ok(email), Ok(()), Ok(name)) => (email, name),
        (email, password, name) => {
            return Err(Error::Validation([email.err(), password.err(), name.err()].into_iter().flatten().collect()));
        }
    };
    let password_hash = state.passwords.hash(form.password).await?;
    let user = sqlx::query_as!(
        User,
        "insert into users (id, email, name, password_hash) values ($1, $2, $3, $4)
         returning id, email, name, created_at",
        Uuid::now_v7(),
        email,
        name,
        password_hash
    )
    .fetch_one(&state.pool())
    .await
    .on_constraint("users_email_key", email_taken)?;
    let cookie = sessions::start(&state, user.id, &headers).await?;
    Ok((StatusCode::CREATED, jar.add(cookie), Json(user)))
}

/// Sign in
#[utoipa::path(post, path = "/api/auth/sign-in", tag = "auth", security(()), request_body = SignIn,
    responses((status = 200, body = User), (status = 401, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn sign_in(
    State(state): State<AppState>,
    address: ClientAddress,
    jar: CookieJar,
    headers: HeaderMap,
    Json(form): Json<SignIn>,
) -> Result<(CookieJar, Json<User>)> {
    // An address that nobody can have is treated as one that nobody has.
    let email = normalise_email(&form.email).unwrap_or_default();
    check_length(&form.password)?;
    let attempt = state.limits.attempt(&state.pool(), &state.tokens, &email, address).await?;
    let account = sqlx::query!("select id, email, name, created_at, password_hash from users where email = $1", email)
        .fetch_optional(&state.pool())
        .await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let right = state.passwords.verify(form.password, hash).await?;
    let account = account.filter(|_| right).ok_or(Error::InvalidCredentials)?;
    attempt.succeeded(&state.pool()).await?;
    let cookie = sessions::start(&state, account.id, &headers).await?;
    let user = User { id: account.id, email: account.email, name: account.name, created_at: account.created_at };
    Ok((jar.add(cookie), Json(user)))
}

/// No account has a longer password, and hashing one takes long.
fn check_length(password: &SecretString) -> Result<()> {
    if password.expose_secret().chars().count() > 128 { Err(Error::InvalidCredentials) } else { Ok(()) }
}

/// Sign out: the session ends on every replica at once
#[utoipa::path(post, path = "/api/auth/sign-out", tag = "auth", security(("session" = [])), responses((status = 204)))]
async fn sign_out(State(state): State<AppState>, session: Session, jar: CookieJar) -> Result<(StatusCode, CookieJar)> {
    sessions::end(&state.pool(), session.user_id, session.id).await?;
    Ok((StatusCode::NO_CONTENT, jar.add(sessions::removal(&state))))
}

/// The signed-in user
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, body = User)))]
async fn me(State(state): State<AppState>, identity: Identity) -> Result<Json<User>> {
    let user = sqlx::query_as!(User, "select id, email, name, created_at from users where id = $1", identity.user_id)
        .fetch_one(&state.pool())
        .await?;
    Ok(Json(user))
}

/// Change name or e-mail
#[utoipa::path(patch, path = "/api/auth/me", tag = "auth", security(("session" = [])), request_body = UpdateMe,
    responses((status = 200, body = User), (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn update_me(
    State(state): State<AppState>,
    session: Session,
    address: ClientAddress,
    Json(form): Json<UpdateMe>,
) -> Result<Json<User>> {
    let email = form.email.as_deref().map(normalise_email).transpose();
    let name = form.name.as_ref().map(|name| check_name(name.as_deref())).transpose();
    let (email, name) = match (email, name) {
        (Ok(email), Ok(name)) => (email, name),
        (email, name) => return Err(Error::Validation([email.err(), name.err()].into_iter().flatten().collect())),
    };
    if let Some(email) = &email {
        let current = sqlx::query_scalar!("select email from users where id = $1", session.user_id)
            .fetch_one(&state.pool())
            .await?;
        if *email != current {
            let password = form
                .current_password
                .ok_or_else(|| Error::invalid("current_password", "is required to change the e-mail address"))?;
            verify_current(&state, session, address, password).await?;
        }
    }
    let user = sqlx::query_as!(
        User,
        "update users set email = coalesce($2, email), name = case when $3 then $4 else name end
         where id = $1 returning id, email, name, created_at",
        session.user_id,
        email,
        name.is_some(),
        name.flatten()
    )
    .fetch_one(&state.pool())
    .await
    .on_constraint("users_email_key", email_taken)?;
    Ok(Json(user))
}

/// Change the password; every other session ends
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", security(("session" = [])), request_body = ChangePassword,
    responses((status = 204), (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn change_password(
    State(state): State<AppState>,
    session: Session,
    address: ClientAddress,
    Json(form): Json<ChangePassword>,
) -> Result<StatusCode> {
    check_password("new_password", &form.new_password).map_err(|error| Error::Validation(vec![error]))?;
    verify_current(&state, session, address, form.current_password).await?;
    let password_hash = state.passwords.hash(form.new_password).await?;
    let mut transaction = state.pool().begin().await?;
    sqlx::query!("update users set password_hash = $2 where id = $1", session.user_id, password_hash)
        .execute(&mut *transaction)
        .await?;
    sessions::end_others(&mut *transaction, session).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A stolen session must not become a way to guess the password: attempts are limited here too.
pub(super) async fn verify_current(
    state: &AppState,
    session: Session,
    address: ClientAddress,
    password: SecretString,
) -> Result<()> {
    let wrong = || Error::invalid("current_password", "is not your current password");
    check_length(&password).map_err(|_| wrong())?;
    let account = sqlx::query!("select email, password_hash from users where id = $1", session.user_id)
        .fetch_one(&state.pool())
        .await?;
    let attempt = state.limits.attempt(&state.pool(), &state.tokens, &account.email, address).await?;
    if !state.passwords.verify(password, Some(account.password_hash)).await? {
        return Err(wrong());
    }
    attempt.succeeded(&state.pool()).await
}
