//! Rate limits of wrong passwords.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, PASSWORD, Reply, email, send_concurrently};

#[track_caller]
fn expect_too_many_attempts(reply: &Reply) {
    reply.problem(429, "too_many_attempts");
    let seconds: u32 = reply.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
}

async fn let_the_windows_end(pool: &PgPool) {
    sqlx::query("update attempts set resets_at = resets_at - interval '1 hour'").execute(pool).await.unwrap();
}

/// Tries wrong passwords of the account from an address until it is refused.
async fn guess_until_refused(app: &App, name: &str, address: &str) {
    while app.try_sign_in(&email(name), "wrong password").sent_from(address).await.status == 401 {}
}

#[sqlx::test]
async fn ten_wrong_passwords_lock_an_account_for_one_address_on_all_replicas(pool: PgPool) {
    let replicas = [App::new(&pool), App::new(&pool)];
    replicas[0].user("ada").await;
    replicas[0].user("bob").await;
    for attempt in 0..10 {
        let reply = replicas[attempt % 2].try_sign_in(&email("ada"), "wrong password").await;
        reply.problem(401, "invalid_credentials");
    }
    for app in &replicas {
        expect_too_many_attempts(&app.try_sign_in(&email("ada"), "wrong password").await);
        expect_too_many_attempts(&app.try_sign_in(&email("ADA"), PASSWORD).await);
        app.try_sign_in(&email("bob"), PASSWORD).await.ok(200);
        app.try_sign_in(&email("ada"), PASSWORD).sent_from("198.51.100.7").await.ok(200);
    }
    let_the_windows_end(&pool).await;
    replicas[1].try_sign_in(&email("ada"), PASSWORD).await.ok(200);
}

/// Many addresses together lock the account for devices that it does not know, and for those only.
#[sqlx::test]
async fn strangers_do_not_lock_an_account_for_a_device_that_has_signed_in(pool: PgPool) {
    let app = App::new(&pool);
    let signed_up = app.user("ada").await;
    let reply = app.try_sign_in(&email("ada"), PASSWORD).await;
    reply.ok(200);
    let device = reply.cookie("todo_device");
    for address in 0..11 {
        guess_until_refused(&app, "ada", &format!("192.0.2.{address}")).await;
    }
    expect_too_many_attempts(&app.try_sign_in(&email("ada"), PASSWORD).sent_from("198.51.100.7").await);

    // The device is known at any address, also at a stranger's, and after signing out.
    let on_device = |password: &str, address: &str| {
        app.try_sign_in(&email("ada"), password).header("cookie", &device).sent_from(address)
    };
    let again = on_device(PASSWORD, "198.51.100.7").await;
    again.ok(200);
    app.session(&again).post("/api/auth/sign-out").await.ok(204);
    on_device(PASSWORD, "192.0.2.1").await.ok(200);
    // A session is as good as a known device.
    let form = json!({ "current_password": PASSWORD, "new_password": "a new password" });
    signed_up.post("/api/auth/password").json(&form).await.ok(204);

    // It is the account's own device, and nobody can make one up.
    app.user("bea").await;
    for address in 0..11 {
        guess_until_refused(&app, "bea", &format!("192.0.2.{}", 100 + address)).await;
    }
    let forged = format!("{}x", device.split_once('.').unwrap().0);
    for cookie in [device.as_str(), forged.as_str(), "todo_device=", "todo_device=a.b", "todo_device=."] {
        let reply = app.try_sign_in(&email("bea"), PASSWORD).header("cookie", cookie).sent_from("198.51.100.8").await;
        expect_too_many_attempts(&reply);
    }

    // A stolen device has its own limit.
    for _ in 0..10 {
        on_device("wrong password", "198.51.100.7").await.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&on_device("a new password", "198.51.100.9").await);
    let_the_windows_end(&pool).await;
    on_device("a new password", "198.51.100.9").await.ok(200);
}

#[sqlx::test]
async fn an_account_that_does_not_exist_is_limited_like_one_that_does(pool: PgPool) {
    let app = App::new(&pool);
    for _ in 0..10 {
        app.try_sign_in(&email("nobody"), PASSWORD).await.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&app.try_sign_in(&email("nobody"), PASSWORD).await);
}

#[sqlx::test]
async fn concurrent_attempts_are_all_counted(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    let replies = send_concurrently((0..20).map(|_| app.try_sign_in(&email("ada"), "wrong password"))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    assert_eq!(replies.iter().filter(|reply| reply.status == 429).count(), 10);
}

#[sqlx::test]
async fn a_correct_password_resets_the_counter_of_the_account(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    for _ in 0..3 {
        for _ in 0..9 {
            app.try_sign_in(&email("ada"), "wrong password").await.problem(401, "invalid_credentials");
        }
        app.try_sign_in(&email("ada"), PASSWORD).await.ok(200);
    }
}

#[sqlx::test]
async fn a_stolen_session_cannot_guess_the_password(pool: PgPool) {
    let app = App::new(&pool);
    let ada = app.user("ada").await;
    for attempt in 0..10 {
        let form = json!({ "current_password": "a wrong guess", "new_password": PASSWORD, "email": "x@example.com" });
        let mut fields = form.as_object().unwrap().clone();
        if attempt % 2 == 0 {
            fields.remove("email");
            ada.post("/api/auth/password")
                .json(&fields.into())
                .await
                .expect_field_error("current_password", "is not your current");
        } else {
            fields.remove("new_password");
            ada.patch("/api/auth/me")
                .json(&fields.into())
                .await
                .expect_field_error("current_password", "is not your current");
        }
    }
    let form = json!({ "current_password": PASSWORD, "new_password": "a new password" });
    expect_too_many_attempts(&ada.post("/api/auth/password").json(&form).await);
    let form = json!({ "current_password": PASSWORD, "email": "x@example.com" });
    expect_too_many_attempts(&ada.patch("/api/auth/me").json(&form).await);
    ada.get("/api/auth/me").await.ok(200);
}

/// Each of the hundred attempts is on another account. With one trusted proxy, the address of the client is the last in
/// `X-Forwarded-For`; the client can choose all others.
#[sqlx::test]
async fn a_hundred_wrong_passwords_lock_an_address(pool: PgPool) {
    let app = App::with_settings(&pool, &[("TRUSTED_PROXY_HOPS", "1")]);
    app.user("ada").await;
    let attempt =
        |name: &str, forwarded: &str| app.try_sign_in(&email(name), PASSWORD).header("x-forwarded-for", forwarded);
    for number in 0..100 {
        let reply = attempt(&format!("nobody-{number}"), &format!("10.0.0.{number}, 203.0.113.7")).await;
        reply.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&attempt("ada", "203.0.113.7").await);
    expect_too_many_attempts(&attempt("ada", "203.0.113.8, 203.0.113.7").await);
    attempt("ada", "203.0.113.7, 203.0.113.8").await.ok(200);
    // Without a trusted proxy, the header is ignored.
    let direct = App::new(&pool);
    direct.try_sign_in(&email("ada"), PASSWORD).header("x-forwarded-for", "203.0.113.7").await.ok(200);
}

/// Otherwise one address that is refused anyway could lock any number of accounts.
#[sqlx::test]
async fn an_address_over_its_limit_does_not_count_against_accounts(pool: PgPool) {
    let app = App::new(&pool);
    app.user("ada").await;
    for number in 0..100 {
        app.try_sign_in(&email(&format!("nobody-{number}")), PASSWORD).await.problem(401, "invalid_credentials");
    }
    let before = attempt_counts(&pool).await;
    for _ in 0..20 {
        expect_too_many_attempts(&app.try_sign_in(&email("ada"), "wrong password").await);
    }
    assert_eq!(attempt_counts(&pool).await, before);
    app.try_sign_in(&email("ada"), PASSWORD).sent_from("198.51.100.7").await.ok(200);
}

async fn attempt_counts(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from attempts").fetch_one(pool).await.unwrap()
}

#[sqlx::test]
async fn sign_ups_are_limited_per_address_on_all_replicas(pool: PgPool) {
    let replicas = [App::new(&pool), App::new(&pool)];
    let sign_up = |number: usize, address: &str| {
        let form = json!({ "email": email(&format!("user-{number}")), "password": PASSWORD });
        replicas[number % 2].anonymous().post("/api/auth/sign-up").json(&form).sent_from(address)
    };
    // What breaks a rule creates no account and does not count.
    for _ in 0..3 {
        replicas[0].anonymous().post("/api/auth/sign-up").json(&json!({ "email": "", "password": "" })).await;
    }
    let replies = send_concurrently((0..25).map(|number| sign_up(number, "192.0.2.1"))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 20);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.problem(429, "too_many_attempts");
        assert!((1..=3600).contains(&refused.header("retry-after").parse::<u32>().unwrap()), "{refused:?}");
    }
    sign_up(25, "192.0.2.2").await.ok(201);
    let_the_windows_end(&pool).await;
    sign_up(26, "192.0.2.1").await.ok(201);
}

/// A provider gives a customer 2^64 addresses of IPv6.
#[sqlx::test]
async fn ipv6_addresses_count_by_their_network(pool: PgPool) {
    let app = App::with_settings(&pool, &[("SIGN_UPS_PER_HOUR", "1")]);
    app.user("ada").await;
    let sign_up = |name: &str, address: &str| {
        let form = json!({ "email": email(name), "password": PASSWORD });
        app.anonymous().post("/api/auth/sign-up").json(&form).sent_from(address)
    };
    sign_up("bea", "2001:db8:0:1::1").await.ok(201);
    sign_up("cleo", "2001:db8:0:1:ffff:ffff:ffff:ffff").await.problem(429, "too_many_attempts");
    sign_up("cleo", "2001:db8:0:2::1").await.ok(201);

    for host in 0..10 {
        let guess = app.try_sign_in(&email("ada"), "wrong password").sent_from(&format!("2001:db8::{host}"));
        guess.await.problem(401, "invalid_credentials");
    }
    expect_too_many_attempts(&app.try_sign_in(&email("ada"), PASSWORD).sent_from("2001:db8::a").await);
    app.try_sign_in(&email("ada"), PASSWORD).sent_from("2001:db8:1::a").await.ok(200);
}
