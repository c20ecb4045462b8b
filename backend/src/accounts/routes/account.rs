//! Signing up, in and out; the profile; the password; deletion.

use axum::{
    extract::{FromRef, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::AppendHeaders,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use time::Duration;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    devices,
    error::Error,
    extract::{DEVICE_COOKIE, SESSION_COOKIE, Session},
    identity::Identity,
    sessions,
    state::Accounts,
    users::{self, Client, SignedIn, User, UserChange, name_schema},
};
use crate::{
    http::{
        client_address::{ClientAddress, TrustedProxyHops},
        error::Result,
        extract::Json,
        problem::Problem,
    },
    validation::json::present,
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    TrustedProxyHops: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(me, update_me, delete_me))
        .routes(routes!(change_password))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUp {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = "password", min_length = 10, max_length = 128)]
    password: SecretString,
    #[schema(schema_with = name_schema)]
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
    #[schema(schema_with = name_schema)]
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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteMe {
    #[schema(value_type = String, format = "password")]
    current_password: SecretString,
}

/// Make an account and sign in
#[utoipa::path(post, path = "/api/auth/sign-up", tag = "auth", security(()), request_body = SignUp,
    responses((status = 201, body = User), (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn sign_up(
    State(accounts): State<Accounts>,
    address: ClientAddress,
    jar: CookieJar,
    headers: HeaderMap,
    Json(form): Json<SignUp>,
) -> Result<(StatusCode, Cookies, Json<User>)> {
    let client = client(address, &jar, &headers);
    let signed_in = users::sign_up(&accounts, &form.email, form.password, form.name.as_deref(), &client).await?;
    Ok((StatusCode::CREATED, cookies(&accounts, &signed_in), Json(signed_in.user)))
}

/// Sign in
#[utoipa::path(post, path = "/api/auth/sign-in", tag = "auth", security(()), request_body = SignIn,
    responses((status = 200, body = User), (status = 401, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn sign_in(
    State(accounts): State<Accounts>,
    address: ClientAddress,
    jar: CookieJar,
    headers: HeaderMap,
    Json(form): Json<SignIn>,
) -> Result<(Cookies, Json<User>)> {
    let client = client(address, &jar, &headers);
    let signed_in = users::sign_in(&accounts, &form.email, form.password, &client).await?;
    Ok((cookies(&accounts, &signed_in), Json(signed_in.user)))
}

/// Sign out: the session ends on every replica at once
#[utoipa::path(post, path = "/api/auth/sign-out", tag = "auth", security(("session" = [])), responses((status = 204)))]
async fn sign_out(
    State(accounts): State<Accounts>,
    session: Session,
    jar: CookieJar,
) -> Result<(StatusCode, CookieJar)> {
    match sessions::end(&accounts.pool(), session.user_id, session.id).await {
        // Two requests to sign out at the same time both succeed.
        Ok(()) | Err(Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    Ok((StatusCode::NO_CONTENT, jar.add(removal(&accounts))))
}

/// The signed-in user
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, body = User)))]
async fn me(State(accounts): State<Accounts>, identity: Identity) -> Result<Json<User>> {
    Ok(Json(users::get(&accounts.pool(), identity.user_id).await?))
}

/// Change name or e-mail
#[utoipa::path(patch, path = "/api/auth/me", tag = "auth", security(("session" = [])), request_body = UpdateMe,
    responses((status = 200, body = User), (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn update_me(
    State(accounts): State<Accounts>,
    session: Session,
    Json(form): Json<UpdateMe>,
) -> Result<Json<User>> {
    let UpdateMe { name, email, current_password } = form;
    let change = UserChange { name, email, current_password };
    Ok(Json(users::update(&accounts, session.user_id, session.id, change).await?))
}

/// Delete the account, its tasks, sessions and tokens, at once and for good
#[utoipa::path(delete, path = "/api/auth/me", tag = "auth", security(("session" = [])), request_body = DeleteMe,
    responses((status = 204), (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn delete_me(
    State(accounts): State<Accounts>,
    session: Session,
    jar: CookieJar,
    Json(form): Json<DeleteMe>,
) -> Result<(StatusCode, CookieJar)> {
    users::delete(&accounts, session.user_id, session.id, form.current_password).await?;
    Ok((StatusCode::NO_CONTENT, jar.add(removal(&accounts))))
}

/// Change the password; every other session ends
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", security(("session" = [])), request_body = ChangePassword,
    responses((status = 204), (status = 429, body = Problem, content_type = "application/problem+json")))]
async fn change_password(
    State(accounts): State<Accounts>,
    session: Session,
    Json(form): Json<ChangePassword>,
) -> Result<StatusCode> {
    let ChangePassword { current_password, new_password } = form;
    users::change_password(&accounts, session.user_id, session.id, current_password, new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn client<'a>(address: ClientAddress, jar: &'a CookieJar, headers: &'a HeaderMap) -> Client<'a> {
    Client {
        address: address.0,
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()),
        device: jar.get(DEVICE_COOKIE).map(Cookie::value),
    }
}

/// The session's cookie, and then the device's.
type Cookies = AppendHeaders<[(HeaderName, String); 2]>;

fn cookies(accounts: &Accounts, signed_in: &SignedIn) -> Cookies {
    let session = cookie(accounts, SESSION_COOKIE, signed_in.session.expose_secret(), sessions::LIFETIME);
    let mut device = cookie(accounts, DEVICE_COOKIE, signed_in.device.expose_secret(), devices::LIFETIME);
    // Only these routes read it.
    device.set_path("/api/auth");
    AppendHeaders([session, device].map(|cookie| (header::SET_COOKIE, cookie.to_string())))
}

/// The cookie that makes a browser forget the session's cookie.
fn removal(accounts: &Accounts) -> Cookie<'static> {
    cookie(accounts, SESSION_COOKIE, "", Duration::ZERO)
}

fn cookie(accounts: &Accounts, name: &'static str, value: &str, max_age: Duration) -> Cookie<'static> {
    Cookie::build((name, value.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(accounts.settings().cookie_secure)
        .max_age(max_age)
        .build()
}
