//! A run: the model is asked, its tools are used, it is asked again, until it has nothing more to do.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    history,
    log::{End, Log, Run},
    message::{EndReason, Failure, FailureCode, MessageRole},
    model::{Answer, Call, Model, ModelError},
    prompt, tools,
};
use crate::server::state::AppState;

/// How often to try to write the end of a run while the database is away. After that the lease tells it.
const LAST_TRIES: u32 = 3;

/// Works on a turn, independent of the request that started it.
pub fn spawn(state: &AppState, run: Run) {
    let task = work(state.clone(), run);
    state.chat.turns.spawn(task);
}

async fn work(state: AppState, run: Run) {
    let deadline = Instant::now() + state.config.chat.limits.turn;
    let stopping = state.wakes.stopping();
    // What is dropped half-way is at most one transaction, which then has not happened.
    let end = tokio::select! {
        biased;
        () = stopping.cancelled() => End::Failed(Failure::interrupted()),
        end = watch(&state, &run) => end,
        () = sleep_until(deadline) => End::Failed(Failure::new(
            FailureCode::TurnTimeout,
            format!("This took longer than {} seconds and was stopped.", state.config.chat.limits.turn.as_secs()),
        )),
        end = rounds(&state, &run, deadline) => match end {
            Ok(reason) => End::Reason(reason),
            Err(end) => end,
        },
    };
    let result = end.name();
    state.metrics.chat.turn_ended(result);
    tracing::info!(
        result,
        conversation_id = %run.conversation_id,
        user_id = %run.user_id,
        ms = (Instant::now() + state.config.chat.limits.turn - deadline).as_secs_f64() * 1000.0,
        "turn"
    );
    for _ in 0..LAST_TRIES {
        match finish(&state, &run, &end).await {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "the end of a turn could not be stored"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn finish(state: &AppState, run: &Run, end: &End) -> sqlx::Result<()> {
    let Some(mut log) = Log::begin(&state.pool(), run).await? else { return Ok(()) };
    log.end(end).await?;
    log.commit().await
}

/// Renews the lease for as long as the run goes on, and tells why it must not.
async fn watch(state: &AppState, run: &Run) -> End {
    let limits = &state.config.chat.limits;
    let mut wakes = state.wakes.subscribe(run.id);
    let mut last = Instant::now();
    loop {
        let pool = state.pool();
        let renewed = sqlx::query_scalar!(
            "update conversations set leased_until = now() + make_interval(secs => $3) where id = $1 and run = $2
             returning cancelled",
            run.conversation_id,
            run.id,
            limits.lease.as_secs_f64()
        )
        .fetch_optional(&pool);
        match state.database.while_there(renewed).await {
            Ok(Some(false)) => last = Instant::now(),
            Ok(Some(true)) => return End::Reason(EndReason::Cancelled),
            Ok(None) => return End::Lost,
            // Others may take this run for dead by now.
            Err(_) if last.elapsed() >= limits.lease => return End::Lost,
            Err(error) => tracing::debug!(%error, "a lease could not be renewed"),
        }
        tokio::select! {
            () = tokio::time::sleep(limits.renewal) => {}
            () = wakes.next() => {}
        }
    }
}

async fn rounds(state: &AppState, run: &Run, deadline: Instant) -> Result<EndReason, End> {
    let limits = &state.config.chat.limits;
    let model = state.chat.model().map_err(End::broken)?;
    // Those that the user has confirmed.
    let mut ready = run.confirm(state).await?;
    for round in 0.. {
        for call in std::mem::take(&mut ready) {
            tools::perform(state, run, call).await?;
        }
        if round == limits.rounds {
            break;
        }
        let calls = answer(state, run, model, deadline).await?;
        if calls.is_empty() {
            return Ok(EndReason::Done);
        }
        let mut log = run.log(state).await?;
        let (may_run, waits) = tools::record(&mut log, calls).await?;
        log.commit().await?;
        ready = may_run;
        if waits {
            for call in ready {
                tools::perform(state, run, call).await?;
            }
            return Ok(EndReason::Confirmation);
        }
    }
    Ok(EndReason::Rounds)
}

/// One answer of the model, stored as it comes. Gives the tools that it wants to use.
async fn answer(state: &AppState, run: &Run, model: &Model, deadline: Instant) -> Result<Vec<Call>, End> {
    let mut messages = vec![prompt::message()];
    messages.extend(history::load(&state.pool(), run.conversation_id, &state.config.chat.limits).await?);
    let mut log = run.log(state).await?;
    let seq = log.say(MessageRole::Assistant, "").await?.seq;
    log.commit().await?;

    let failed = |error: ModelError| {
        state.metrics.chat.model_failed(error.kind());
        tracing::warn!(kind = error.kind(), status = error.status, conversation_id = %run.conversation_id, "model failed");
        End::Failed(error.into())
    };
    let mut answer = model.ask(&messages, &tools::offered(), deadline).await.map_err(failed)?;
    let is_empty = receive(state, run, seq, &mut answer).await?.map_err(failed)?;
    let usage = answer.usage;
    state.metrics.chat.answered(answer.first_token, answer.whole(), usage.prompt_tokens, usage.completion_tokens);
    if is_empty && answer.calls.is_empty() {
        return Err(failed(ModelError::broken("The model's answer is empty. Try again.")));
    }
    let mut log = run.log(state).await?;
    log.said(seq).await?;
    log.commit().await?;
    Ok(answer.calls)
}

/// Stores text as it comes, at most every 100 ms. Gives whether there was none, or what was wrong with the model.
async fn receive(state: &AppState, run: &Run, seq: i32, answer: &mut Answer) -> Result<Result<bool, ModelError>, End> {
    let pause = state.config.chat.limits.flush;
    let (mut unsaid, mut said) = (String::new(), false);
    let mut flush_at = Instant::now();
    loop {
        let next = if unsaid.is_empty() {
            answer.next().await
        } else if let Ok(next) = timeout_at(flush_at, answer.next()).await {
            next
        } else {
            run.say(state, seq, &mut unsaid).await?;
            said = true;
            flush_at = Instant::now() + pause;
            continue;
        };
        match next {
            Ok(Some(text)) => unsaid.push_str(&text),
            ended => {
                said |= !unsaid.is_empty();
                run.say(state, seq, &mut unsaid).await?;
                return Ok(ended.map(|_| !said));
            }
        }
    }
}
