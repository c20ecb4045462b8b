//! Bounds on how much may go on at a time: in this process, and for one user.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use uuid::Uuid;

use super::{error::Error, problem::Problem};

/// Seconds after which a slot may be free.
const RETRY_AFTER_SECONDS: u64 = 2;

/// Why there is no slot.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// 429
    #[error("You have {limit} {work} at the same time, which is the limit. Wait until one has ended.")]
    User { work: &'static str, limit: usize },
    /// 503
    #[error("The service has as many {work} as it can take. Try again in a moment.")]
    Process { work: &'static str },
}

impl Refused {
    /// `code_of_user` is the problem's code when the user has too many.
    pub fn problem(&self, code_of_user: &'static str) -> Problem {
        let (status, code) = match self {
            Self::User { .. } => (StatusCode::TOO_MANY_REQUESTS, code_of_user),
            Self::Process { .. } => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        };
        Problem::new(status, code, self.to_string()).with_retry_after(RETRY_AFTER_SECONDS)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.problem("too_many_at_a_time").into()
    }
}

/// Slots for one kind of work. A clone refers to the same slots.
#[derive(Clone)]
pub struct Slots {
    /// What the slots are for, in the plural.
    work: &'static str,
    total: usize,
    per_user: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_user: HashMap<Uuid, usize>,
}

impl Slots {
    pub fn new(work: &'static str, total: usize, per_user: usize) -> Self {
        Self { work, total, per_user, taken: Arc::default() }
    }

    /// Takes a slot until it is dropped. It is refused if the user has all of theirs, or if all are taken.
    pub fn take(&self, user_id: Uuid) -> Result<Slot, Refused> {
        let mut taken = lock(&self.taken);
        let of_user = taken.by_user.get(&user_id).copied().unwrap_or_default();
        if of_user >= self.per_user {
            return Err(Refused::User { work: self.work, limit: self.per_user });
        }
        if taken.total >= self.total {
            return Err(Refused::Process { work: self.work });
        }
        taken.total += 1;
        taken.by_user.insert(user_id, of_user + 1);
        Ok(Slot { taken: Arc::clone(&self.taken), user_id })
    }
}

/// One piece of work that goes on.
pub struct Slot {
    taken: Arc<Mutex<Taken>>,
    user_id: Uuid,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.total -= 1;
        if let Some(of_user) = taken.by_user.get_mut(&self.user_id) {
            *of_user -= 1;
            if *of_user == 0 {
                taken.by_user.remove(&self.user_id);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let slots = Slots::new("imports", 3, 2);
        let [ada, eve] = [Uuid::now_v7(), Uuid::now_v7()];
        let [first, _second] = [slots.take(ada).ok().unwrap(), slots.take(ada).ok().unwrap()];
        let refusal = slots.take(ada).err().unwrap().to_string();
        assert_eq!(refusal, "You have 2 imports at the same time, which is the limit. Wait until one has ended.");
        let _third = slots.take(eve).ok().unwrap();
        let refusal = slots.take(eve).err().unwrap().to_string();
        assert_eq!(refusal, "The service has as many imports as it can take. Try again in a moment.");
        drop(first);
        let _again = slots.take(ada).ok().unwrap();
        assert_eq!(lock(&slots.taken).by_user.len(), 2);
    }
}
