//! The bounds of password hashing.

use std::collections::BTreeMap;

use sqlx::PgPool;

use crate::support::{App, PASSWORD, email, send_concurrently};

/// Sign-ins for accounts that do not exist cost as much as others.
#[sqlx::test]
async fn passwords_that_would_wait_too_long_are_refused(pool: PgPool) {
    let app = App::with_settings(&pool, &[("PASSWORD_HASH_CONCURRENCY", "1")]);
    let sign_ins = (0..250).map(|number| {
        let address = format!("192.0.2.{number}");
        app.try_sign_in(&email(&format!("nobody-{number}")), PASSWORD).sent_from(&address)
    });
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    for reply in send_concurrently(sign_ins).await {
        *answers.entry(reply.status).or_default() += 1;
        if reply.status == 503 {
            reply.problem(503, "overloaded");
            assert_eq!(reply.header("retry-after"), "2");
        }
    }
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), [401, 503], "{answers:?}");
    app.user("ada").await;
}
