//! A run: the model is asked, its tools are used, it is asked again, until it has nothing more to do.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{
    budget, history,
    message::{AsSent, EndReason, Failure, FailureCode},
    model::{Answer, Call, Model, ModelError, Piece},
    prompt,
    state::Chat,
    tool_calls,
    transcript::{End, Run, Transcript},
};

/// How often the end of a run is written before it is given up. After that, the lease expires and another replica
/// writes the end.
const MAX_FINISH_ATTEMPTS: u32 = 3;
/// Time between two attempts.
const FINISH_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Works on a turn until it ends, whatever becomes of the request that started it.
pub async fn run(chat: Chat, run: Run) {
    let started = Instant::now();
    let limit = chat.limits().turn;
    let deadline = started + limit;
    let shutdown = &chat.dependencies().shutdown;
    let tokens = AtomicI64::new(0);
    // What is dropped in the middle is at most one transaction, which is then rolled back.
    let end = tokio::select! {
        biased;
        () = shutdown.cancelled() => End::Failed(Failure::interrupted()),
        end = renew_lease(&chat, &run) => end,
        () = sleep_until(deadline) => End::Failed(Failure::new(
            FailureCode::TurnTimeout,
            format!("This took longer than {} seconds and was stopped.", limit.as_secs()),
        )),
        end = rounds(&chat, &run, &tokens) => match end {
            Ok(reason) => End::Reason(reason),
            Err(end) => end,
        },
    };
    let result = end.name();
    chat.metrics().turn_ended(result);
    tracing::info!(
        result,
        conversation_id = %run.conversation_id,
        user_id = %run.user_id,
        ms = started.elapsed().as_secs_f64() * 1000.0,
        "turn"
    );
    let mut tokens = tokens.into_inner();
    for _ in 0..MAX_FINISH_ATTEMPTS {
        match finish(&chat, &run, &end, &mut tokens).await {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "the end of a turn could not be stored"),
        }
        sleep(FINISH_RETRY_INTERVAL).await;
    }
}

/// Counts the tokens of the run, and writes its end. What was counted is not counted again.
async fn finish(chat: &Chat, run: &Run, end: &End, tokens: &mut i64) -> sqlx::Result<()> {
    if *tokens > 0 {
        budget::count_tokens(&chat.pool(), run.user_id, *tokens).await?;
        *tokens = 0;
    }
    let Some(mut transcript) = Transcript::open(chat, run).await? else { return Ok(()) };
    transcript.end(end).await?;
    transcript.commit().await
}

/// Renews the lease for as long as the run may go on, and gives the reason why it must end.
async fn renew_lease(chat: &Chat, run: &Run) -> End {
    let limits = chat.limits();
    let dependencies = chat.dependencies();
    let subscription = dependencies.notifier.subscribe(run.id);
    let mut renewed_at = Instant::now();
    loop {
        let pool = chat.pool();
        let renewed = sqlx::query_scalar!(
            "update conversations set leased_until = now() + make_interval(secs => $3) where id = $1 and run = $2
             returning cancelled",
            run.conversation_id,
            run.id,
            limits.lease.as_secs_f64()
        )
        .fetch_optional(&pool);
        match dependencies.database.while_available(renewed).await {
            Ok(Some(false)) => renewed_at = Instant::now(),
            Ok(Some(true)) => return End::Reason(EndReason::Cancelled),
            Ok(None) => return End::Lost,
            // Another replica may have ended this run by now.
            Err(_) if renewed_at.elapsed() >= limits.lease => return End::Lost,
            Err(error) => tracing::debug!(%error, "a lease could not be renewed"),
        }
        tokio::select! {
            () = sleep(limits.renewal) => {}
            () = subscription.notified() => {}
        }
    }
}

/// An answer whose tokens are counted when it is dropped, because the run may be stopped in the middle of it.
struct CountedAnswer<'a> {
    answer: Answer,
    tokens: &'a AtomicI64,
}

impl Drop for CountedAnswer<'_> {
    fn drop(&mut self) {
        self.tokens.fetch_add(self.answer.tokens().cast_signed(), Ordering::Relaxed);
    }
}

/// Adds to `tokens` what the answers cost.
async fn rounds(chat: &Chat, run: &Run, tokens: &AtomicI64) -> Result<EndReason, End> {
    let limits = chat.limits();
    let model = chat.model().map_err(End::internal)?;
    // The first calls are those that the user has confirmed.
    let mut ready = run.confirm_calls(chat).await?;
    for round in 0.. {
        tool_calls::run_all(chat, run, std::mem::take(&mut ready)).await?;
        if round == limits.rounds {
            break;
        }
        let Asked { calls, is_cut_off } = ask(chat, run, model, tokens).await?;
        let mut end = is_cut_off.then_some(EndReason::Length);
        if calls.is_empty() {
            return Ok(end.unwrap_or(EndReason::Done));
        }
        let mut transcript = run.transcript(chat).await?;
        let recorded = tool_calls::record(&mut transcript, run.user_id, calls, &model.origin()).await?;
        transcript.commit().await?;
        ready = recorded.ready;
        if recorded.some_wait {
            end = Some(EndReason::Confirmation);
        } else if recorded.some_repeat {
            end = Some(EndReason::Repeated);
        }
        if let Some(end) = end {
            tool_calls::run_all(chat, run, ready).await?;
            return Ok(end);
        }
    }
    Ok(EndReason::Rounds)
}

/// What an answer asks for.
struct Asked {
    /// The tools that the model wants to use.
    calls: Vec<Call>,
    is_cut_off: bool,
}

/// Receives one answer of the model, and stores it as it comes.
async fn ask(chat: &Chat, run: &Run, model: &Model, tokens: &AtomicI64) -> Result<Asked, End> {
    let history = history::load(&chat.pool(), run.conversation_id, chat.limits(), &model.origin()).await?;
    let mut messages = vec![prompt::message(history.time_zone.as_deref())];
    messages.extend(history.messages);
    let mut transcript = run.transcript(chat).await?;
    let seq = transcript.start_answer().await?.seq;
    transcript.commit().await?;

    let failed = |error: ModelError| {
        chat.metrics().model_failed(error.kind());
        tracing::warn!(kind = error.kind(), status = error.status, conversation_id = %run.conversation_id, "model failed");
        End::Failed(error.into())
    };
    let answer = model.ask(&messages, &tool_calls::definitions()).await.map_err(failed)?;
    let mut counted = CountedAnswer { answer, tokens };
    let answer = &mut counted.answer;
    let has_text = receive(chat, run, seq, answer).await?.map_err(failed)?;
    let usage = answer.usage;
    chat.metrics().answered(answer.first_token, answer.elapsed(), usage.prompt_tokens, usage.completion_tokens);
    let is_cut_off = answer.is_cut_off();
    if !has_text && answer.calls.is_empty() && !is_cut_off {
        return Err(failed(ModelError::broken("The model's answer is empty. Try again.")));
    }
    let mut transcript = run.transcript(chat).await?;
    let fields = std::mem::take(&mut answer.others);
    let calls = std::mem::take(&mut answer.calls);
    // They are sent back with the calls only.
    let as_sent = (!fields.is_empty() && !calls.is_empty()).then(|| AsSent { origin: model.origin(), fields });
    transcript.complete_message(as_sent.as_ref()).await?;
    transcript.commit().await?;
    Ok(Asked { calls, is_cut_off })
}

/// Stores text as it comes, but not more often than the configured interval, and thoughts when they have ended. Gives
/// whether there was any text, or what was wrong with the model.
async fn receive(chat: &Chat, run: &Run, seq: i32, answer: &mut Answer) -> Result<Result<bool, ModelError>, End> {
    let (mut buffer, mut has_text) = (Piece::default(), false);
    let mut flush_at = Instant::now();
    loop {
        let next = if buffer.text.is_empty() {
            answer.next().await
        } else if let Ok(next) = timeout_at(flush_at, answer.next()).await {
            next
        } else {
            run.append(chat, seq, &mut buffer).await?;
            has_text = true;
            flush_at = Instant::now() + chat.limits().flush;
            continue;
        };
        match next {
            Ok(Some(Piece { reasoning, text })) => {
                buffer.reasoning.push_str(&reasoning);
                buffer.text.push_str(&text);
            }
            ended => {
                has_text |= !buffer.text.is_empty();
                run.append(chat, seq, &mut buffer).await?;
                return Ok(ended.map(|_| has_text));
            }
        }
    }
}
