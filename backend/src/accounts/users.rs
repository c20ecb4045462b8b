//! Accounts: signing up and in, the profile, the password, deletion.

use std::net::IpAddr;

use email_address::{EmailAddress, Options};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization;
use utoipa::{ToSchema, openapi::Object};
use uuid::Uuid;

use super::{
    devices,
    error::Error,
    password_attempts::{self, Attempt, Source},
    rate_limits::LimitedAction,
    sessions,
    state::Accounts,
};
use crate::{
    db::{is_timeout, violates},
    validation::{FieldError, text::optional_line_schema},
};

/// Longest e-mail address, in bytes.
const MAX_EMAIL_BYTES: usize = 254;
/// Longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 100;
/// Shortest password, in characters.
const MIN_PASSWORD_CHARACTERS: usize = 10;
/// Longest password, in characters.
const MAX_PASSWORD_CHARACTERS: usize = 128;

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

/// What to change about an account; `None` leaves it as it is.
pub struct UserChange {
    pub name: Option<Option<String>>,
    pub email: Option<String>,
    /// Needed when the e-mail address changes.
    pub current_password: Option<SecretString>,
}

/// The client that signs up or in.
pub struct Client<'a> {
    pub address: IpAddr,
    pub user_agent: Option<&'a str>,
    /// What it says to be a device that the account knows.
    pub device: Option<&'a str>,
}

/// A user with a new session.
pub struct SignedIn {
    pub user: User,
    /// The secret of the session.
    pub session: SecretString,
    /// The proof that the user knows the device from now on.
    pub device: SecretString,
}

impl SignedIn {
    /// Starts the session. The caller holds the lock of the user's row.
    async fn new(
        connection: &mut PgConnection,
        accounts: &Accounts,
        user: User,
        client: &Client<'_>,
    ) -> Result<Self, Error> {
        let max_sessions = accounts.settings().max_sessions_per_user;
        let session =
            sessions::start(connection, accounts.hash_key(), user.id, client.user_agent, max_sessions).await?;
        Ok(Self { session, device: devices::issue(accounts.hash_key(), user.id), user })
    }
}

pub async fn sign_up(
    accounts: &Accounts,
    email: &str,
    password: SecretString,
    name: Option<&str>,
    client: &Client<'_>,
) -> Result<SignedIn, Error> {
    let (email, name) = match (normalise_email(email), check_password("password", &password), check_name(name)) {
        (Ok(email), Ok(()), Ok(name)) => (email, name),
        (email, password, name) => {
            return Err(Error::Invalid([email.err(), password.err(), name.err()].into_iter().flatten().collect()));
        }
    };
    let limit = accounts.settings().sign_ups_per_hour;
    password_attempts::count(accounts, LimitedAction::SignUp(client.address), limit).await?;
    let password_hash = accounts.passwords().hash(password).await?;
    let mut transaction = accounts.pool().begin().await?;
    let user = sqlx::query_as!(
        User,
        "insert into users (id, email, name, password_hash) values ($1, $2, $3, $4)
         returning id, email, name, created_at",
        Uuid::now_v7(),
        email,
        name,
        password_hash
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(email_taken)?;
    let signed_in = SignedIn::new(&mut transaction, accounts, user, client).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Starts a session of the account with this e-mail address and password.
pub async fn sign_in(
    accounts: &Accounts,
    email: &str,
    password: SecretString,
    client: &Client<'_>,
) -> Result<SignedIn, Error> {
    // An address that nobody can have is treated as one that nobody has.
    let email = normalise_email(email).unwrap_or_default();
    if is_too_long(&password) {
        return Err(Error::InvalidCredentials);
    }
    let account = sqlx::query!("select id, password_hash from users where email = $1", email)
        .fetch_optional(&accounts.pool())
        .await?;
    let known_device = account
        .as_ref()
        .zip(client.device)
        .and_then(|(account, proof)| devices::verify(accounts.hash_key(), account.id, proof));
    let source = known_device.map_or(Source::Address(client.address), Source::KnownDevice);
    let attempt = Attempt::count(accounts, &email, source).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let is_right = accounts.passwords().verify(password, hash).await?;
    let account = account.filter(|_| is_right).ok_or(Error::InvalidCredentials)?;
    attempt.succeeded(accounts).await?;

    let mut transaction = accounts.pool().begin().await?;
    let user = lock(&mut transaction, account.id, &account.password_hash).await?.ok_or(Error::InvalidCredentials)?;
    let signed_in = SignedIn::new(&mut transaction, accounts, user, client).await?;
    transaction.commit().await?;
    // The oldest session may have ended.
    accounts.credentials().forget(signed_in.user.id);
    Ok(signed_in)
}

/// Locks an account that still has the hash against which a password was checked. A change of the password either waits
/// for the end of the transaction, or has ended and leaves no account to lock.
async fn lock(connection: &mut PgConnection, user_id: Uuid, checked_hash: &str) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        "select id, email, name, created_at from users where id = $1 and password_hash = $2 for no key update",
        user_id,
        checked_hash
    )
    .fetch_optional(connection)
    .await
}

pub async fn get(pool: &PgPool, user_id: Uuid) -> Result<User, Error> {
    let user = sqlx::query_as!(User, "select id, email, name, created_at from users where id = $1", user_id)
        .fetch_one(pool)
        .await?;
    Ok(user)
}

pub async fn update(accounts: &Accounts, user_id: Uuid, session_id: Uuid, change: UserChange) -> Result<User, Error> {
    let email = change.email.as_deref().map(normalise_email).transpose();
    let name = change.name.as_ref().map(|name| check_name(name.as_deref())).transpose();
    let (email, name) = match (email, name) {
        (Ok(email), Ok(name)) => (email, name),
        (email, name) => return Err(Error::Invalid([email.err(), name.err()].into_iter().flatten().collect())),
    };
    let pool = accounts.pool();
    let mut checked_hash = None;
    if let Some(email) = &email {
        let current = sqlx::query_scalar!("select email from users where id = $1", user_id).fetch_one(&pool).await?;
        if *email != current {
            let password = change
                .current_password
                .ok_or_else(|| FieldError::new("current_password", "is required to change the e-mail address"))?;
            checked_hash = Some(verify_current_password(accounts, user_id, session_id, password).await?);
        }
    }
    let updated = sqlx::query_as!(
        User,
        "update users set email = coalesce($2, email), name = case when $3 then $4 else name end
         where id = $1 and password_hash = coalesce($5, password_hash) returning id, email, name, created_at",
        user_id,
        email,
        name.is_some(),
        name.flatten(),
        checked_hash
    )
    .fetch_optional(&pool)
    .await
    .map_err(email_taken)?;
    match checked_hash {
        Some(_) => updated.ok_or_else(wrong_current_password),
        None => Ok(updated.ok_or(sqlx::Error::RowNotFound)?),
    }
}

/// Changes the password, and ends every session but the one that asks for it.
pub async fn change_password(
    accounts: &Accounts,
    user_id: Uuid,
    session_id: Uuid,
    current_password: SecretString,
    new_password: SecretString,
) -> Result<(), Error> {
    check_password("new_password", &new_password)?;
    let checked_hash = verify_current_password(accounts, user_id, session_id, current_password).await?;
    let password_hash = accounts.passwords().hash(new_password).await?;
    let mut transaction = accounts.pool().begin().await?;
    let changed = sqlx::query!(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
        user_id,
        checked_hash,
        password_hash
    )
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(wrong_current_password());
    }
    sessions::end_others(&mut *transaction, user_id, session_id).await?;
    transaction.commit().await?;
    Ok(())
}

/// Deletes the account with everything that refers to it. The end of its credentials ends its open event streams.
pub async fn delete(
    accounts: &Accounts,
    user_id: Uuid,
    session_id: Uuid,
    current_password: SecretString,
) -> Result<(), Error> {
    let checked_hash = verify_current_password(accounts, user_id, session_id, current_password).await?;
    // The time limit of the request ends the loop.
    while !try_delete(&accounts.pool(), user_id, &checked_hash).await? {}
    Ok(())
}

/// Deletes the account, unless it would have to wait for a row that refers to it.
///
/// A change of a task locks the task and then its user. A deletion locks the user and then the tasks, so that each could
/// wait for the other. PostgreSQL would refuse one of them after its `deadlock_timeout`, a second; the deletion gives way
/// much earlier.
async fn try_delete(pool: &PgPool, user_id: Uuid, checked_hash: &str) -> Result<bool, Error> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction, user_id, checked_hash).await?.ok_or_else(wrong_current_password)?;
    sqlx::query!("set local lock_timeout = '10ms'").execute(&mut *transaction).await?;
    match sqlx::query!("delete from users where id = $1", user_id).execute(&mut *transaction).await {
        Ok(_) => {
            transaction.commit().await?;
            Ok(true)
        }
        Err(error) if is_timeout(&error) => {
            transaction.rollback().await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks the password of a user who is signed in, and gives the hash against which it was checked. Attempts are limited
/// here too, because a stolen session must not become a way to guess the password.
async fn verify_current_password(
    accounts: &Accounts,
    user_id: Uuid,
    session_id: Uuid,
    password: SecretString,
) -> Result<String, Error> {
    if is_too_long(&password) {
        return Err(wrong_current_password());
    }
    let account = sqlx::query!("select email, password_hash from users where id = $1", user_id)
        .fetch_one(&accounts.pool())
        .await?;
    let session = session_id.to_string();
    let attempt = Attempt::count(accounts, &account.email, Source::KnownDevice(&session)).await?;
    if !accounts.passwords().verify(password, Some(account.password_hash.clone())).await? {
        return Err(wrong_current_password());
    }
    attempt.succeeded(accounts).await?;
    Ok(account.password_hash)
}

fn wrong_current_password() -> Error {
    FieldError::new("current_password", "is not your current password").into()
}

/// Lower case, in one form of each letter (NFC), without surrounding white space: so addresses are stored and compared.
fn normalise_email(email: &str) -> Result<String, FieldError> {
    let email: String = email.trim().to_lowercase().nfc().collect();
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let valid = email.len() <= MAX_EMAIL_BYTES && EmailAddress::parse_with_options(&email, options).is_ok();
    if valid { Ok(email) } else { Err(FieldError::new("email", "must be an e-mail address such as ada@example.com")) }
}

fn check_password(field: &str, password: &SecretString) -> Result<(), FieldError> {
    let length = password.expose_secret().chars().count();
    if (MIN_PASSWORD_CHARACTERS..=MAX_PASSWORD_CHARACTERS).contains(&length) {
        Ok(())
    } else {
        Err(FieldError::new(field, "must be 10 to 128 characters"))
    }
}

/// No account has a password as long as this, and hashing it would take long.
fn is_too_long(password: &SecretString) -> bool {
    password.expose_secret().chars().count() > MAX_PASSWORD_CHARACTERS
}

/// The name without space around it; an empty one is none.
fn check_name(name: Option<&str>) -> Result<Option<String>, FieldError> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    match name {
        Some(name) if name.chars().count() > MAX_NAME_CHARACTERS || name.chars().any(char::is_control) => {
            Err(FieldError::new("name", "must be at most 100 characters, without control characters"))
        }
        _ => Ok(name.map(str::to_owned)),
    }
}

pub fn name_schema() -> Object {
    optional_line_schema(MAX_NAME_CHARACTERS)
}

fn email_taken(error: sqlx::Error) -> Error {
    if violates(&error, "users_email_key") { Error::EmailTaken } else { error.into() }
}
