//! What an error of the database means.

use std::{error::Error, io, iter::successors};

use sqlx::error::DatabaseError;

/// Whether the database is unavailable or cannot take another connection, as opposed to having refused a statement.
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // 08: connection exception, 53: insufficient resources, 57P: shutting down or starting up.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("53") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// Whether a statement failed because its connection broke, or was ended by the server. It may have been executed.
pub fn is_lost_connection(error: &(dyn Error + 'static)) -> bool {
    // 57P01: terminating connection due to administrator command.
    let is_ended = |cause: &(dyn Error + 'static)| {
        let refusal = cause.downcast_ref::<Box<dyn DatabaseError>>();
        refusal.and_then(|refusal| refusal.code()).is_some_and(|code| code == "57P01")
    };
    successors(Some(error), |error| Error::source(*error)).any(|cause| cause.is::<io::Error>() || is_ended(cause))
}

/// Whether a row was refused because its user has been deleted meanwhile.
pub fn is_of_deleted_user(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| {
        refusal.is_foreign_key_violation() && refusal.constraint().is_some_and(|name| name.ends_with("_user_id_fkey"))
    })
}

/// Whether a statement was refused because of this constraint.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.constraint() == Some(constraint))
}

/// Whether a statement was ended because it, or its wait for a lock, took too long or would never have ended.
pub fn is_timeout(error: &sqlx::Error) -> bool {
    // 57014: query canceled, 55P03: lock not available, 40P01: deadlock detected.
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "57014" || code == "55P03" || code == "40P01")
}
