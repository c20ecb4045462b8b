//! Waking the event streams of a user who has changed something.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::request::RequestUser;
use crate::notifier::Notifier;

/// Wakes a user when it is dropped, so that it does not matter how a request ends: one that is given up may have
/// committed its change.
struct WakeOnDrop {
    notifier: Notifier,
    user: RequestUser,
}

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        if let Some(user_id) = self.user.get() {
            self.notifier.wake(user_id);
        }
    }
}

/// Wakes the streams of the user at the end of each request that may have changed something. No route has to think of
/// it; a wake without a change costs its streams one look.
pub async fn wake_streams(State(notifier): State<Notifier>, request: Request, next: Next) -> Response {
    let user = request.extensions().get::<RequestUser>().cloned().unwrap_or_default();
    let _wake = (!request.method().is_safe()).then(|| WakeOnDrop { notifier, user });
    next.run(request).await
}
