use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

use crate::bench::{
    http::{Connection, Head, Request, chunk},
    lean,
    measurement::{Measurement, both},
    section::{Section, float, short, thousands},
    stage::{Service, Stage, blocking},
};

/// Changes per second.
const RATE: u32 = 500;
/// Connections that make the changes.
const WRITERS: usize = 32;
/// Streams that are opened at a time.
const OPENING: usize = 50;
/// Files that are open besides the streams.
const OTHER_FILES: u64 = 500;
/// How long the streams may take to tell of the last changes.
const LAG_LIMIT: Duration = Duration::from_secs(10);

type Times = Arc<Mutex<HashMap<String, Instant>>>;

/// Changes through one replica, and the streams of other clients on the other replica. Each stream is that of another
/// user, so that each change is one event whatever the number of streams.
pub async fn run(stage: &Stage) -> Result<Section> {
    let counts: &[usize] = if stage.quick { &[100, 1_000] } else { &[100, 1_000, 5_000] };
    let files = raise_limit_of_files()?;
    let columns =
        ["open streams", "changes/s", "p50, p99 ms", "CPU µs per event: writing + streaming replica + PostgreSQL"];
    let mut section = Section::new(&columns);
    let (writing, streaming) = (stage.backend().await?, stage.backend().await?);
    let tokens = tokens(stage, &writing, counts.iter().copied().max().unwrap_or_default()).await?;
    for &count in counts {
        if files < count as u64 + OTHER_FILES {
            section.remarks.push(format!("{count} streams were not measured: a process may have {files} files open."));
            continue;
        }
        let rounds = [
            round(stage, &writing, &streaming, &tokens[..count]).await?,
            round(stage, &writing, &streaming, &tokens[..count]).await?,
        ];
        let cpu = |Round { measured, arrived }: &Round| {
            let per_event = |cpu: &Duration| thousands(cpu.as_secs_f64() * 1e6 / float(*arrived));
            measured.app.iter().chain([&measured.postgres]).map(per_event).collect::<Vec<_>>().join(" + ")
        };
        section.row([
            thousands(float(count)),
            both(&rounds, |round| thousands(round.measured.rate())),
            both(&rounds, |Round { measured, .. }| {
                format!("{}, {}", short(measured.percentile(50)), short(measured.percentile(99)))
            }),
            both(&rounds, cpu),
        ]);
        let slowest = rounds.iter().map(|round| round.measured.rate()).fold(f64::INFINITY, f64::min);
        if slowest < f64::from(RATE) * 0.95 {
            section
                .remarks
                .push(format!("With {count} streams this machine reached {} of {RATE} changes/s.", thousands(slowest)));
        }
        for Round { measured, arrived } in &rounds {
            let missing = measured.latencies.count() - arrived;
            if missing > 0 {
                section.remarks.push(format!(
                    "With {count} streams, {missing} of {} changes had not arrived {} s after the last; their latency is \
                     the time until then.",
                    measured.latencies.count(),
                    LAG_LIMIT.as_secs()
                ));
            }
        }
    }
    streaming.stop().await;
    writing.stop().await;
    Ok(section)
}

/// One token for each of so many users. One user makes them all; then each is given to a user of its own.
async fn tokens(stage: &Stage, backend: &Service, count: usize) -> Result<Vec<String>> {
    let user = stage.user(backend)?;
    let (address, cookie) = (backend.address, user.cookie.clone());
    let tokens = blocking(move || {
        let mut connection = Connection::open(address)?;
        let token = |number| {
            let form = format!(r#"{{"name":"stream {number}"}}"#);
            let response = connection.send(&Request::new("POST", "/api/auth/tokens", &[&cookie], &form))?.check()?;
            Ok(response.json()?["token"].as_str().context("a new token has a secret")?.to_owned())
        };
        (0..count).map(token).collect::<Result<Vec<_>>>()
    })
    .await?;
    stage
        .sql(&format!(
            "create temporary table owners as
                 select id as credential, gen_random_uuid() as owner from credentials
                 where user_id = '{}' and kind = 'token';
             insert into users (id, email, password_hash) select owner, owner || '@example.com', '' from owners;
             update credentials set user_id = owner from owners where id = credential;
             drop table owners;",
            user.id
        ))
        .await?;
    stage.tidy().await?;
    Ok(tokens)
}

struct Round {
    measured: Measurement,
    /// The number of changes that the streams have told of.
    arrived: usize,
}

async fn round(stage: &Stage, writing: &Service, streaming: &Service, tokens: &[String]) -> Result<Round> {
    let received = Times::default();
    let mut streams = JoinSet::new();
    let opened = Arc::new(AtomicUsize::new(0));
    let turns = Arc::new(Semaphore::new(OPENING));
    for token in tokens {
        let request = Request::get("/api/events", &[&format!("authorization: Bearer {token}")]);
        let (address, received) = (streaming.address, Arc::clone(&received));
        let (opened, turns) = (Arc::clone(&opened), Arc::clone(&turns));
        streams.spawn(async move {
            let turn = turns.acquire_owned().await?;
            let hello = move || {
                opened.fetch_add(1, Ordering::Relaxed);
                drop(turn);
            };
            listen(address, &request, hello, &received).await
        });
    }
    while opened.load(Ordering::Relaxed) < tokens.len() {
        tokio::select! {
            Some(ended) = streams.join_next() => ended??,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    let duration = stage.duration();
    let requests: Vec<Request> = tokens.iter().map(|token| create(token)).collect();
    let address = writing.address;
    let changes = usize::try_from(RATE)? * usize::try_from(duration.as_secs())?;
    let measured = stage
        .measure(&[writing, streaming], async || {
            let (sent, elapsed) = blocking(move || write(address, &requests, changes)).await?;
            let limit = Instant::now() + LAG_LIMIT;
            while lock(&received).len() < sent.len() && Instant::now() < limit {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let received = lock(&received);
            let now = Instant::now();
            let latencies =
                sent.iter().map(|(id, sent)| received.get(id).unwrap_or(&now).saturating_duration_since(*sent));
            Ok((latencies.collect(), elapsed))
        })
        .await?;
    let arrived = lock(&received).len();
    streams.shutdown().await;
    Ok(Round { measured, arrived })
}

fn create(token: &str) -> Request {
    let body = format!(r#"{{"title":"{}"}}"#, lean::TITLE);
    Request::new("POST", "/api/tasks", &[&format!("authorization: Bearer {token}")], &body)
}

/// Makes changes at a constant rate, for one user after the other. Returns the id of each task with the time at which its
/// request was sent, and the time that all have taken.
fn write(address: SocketAddr, requests: &[Request], changes: usize) -> Result<(Vec<(String, Instant)>, Duration)> {
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut connection = Connection::open(address)?;
        let mut sent = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= changes {
                return Ok::<_, anyhow::Error>(sent);
            }
            let due = start + Duration::from_secs(1) * u32::try_from(number)? / RATE;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let at = Instant::now();
            let task = connection.send(&requests[number % requests.len()])?.check()?.json()?;
            sent.push((task["id"].as_str().context("a task has an id")?.to_owned(), at));
        }
    };
    let sent: Result<Vec<_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a writer has panicked"))?).collect()
    });
    Ok((sent?.into_iter().flatten().collect(), start.elapsed()))
}

/// Reads a stream until it is dropped, and notes when it tells of which task.
async fn listen(address: SocketAddr, request: &Request, hello: impl FnOnce(), received: &Times) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.bytes()).await?;
    let mut hello = Some(hello);
    let (mut raw, mut text, mut head) = (Vec::new(), Vec::new(), None);
    loop {
        ensure!(stream.read_buf(&mut raw).await? > 0, "a stream was closed");
        let now = Instant::now();
        if head.is_none() {
            let Some((found, size)) = Head::parse(&raw)? else { continue };
            ensure!(found.status == 200, "a stream was answered with {}", found.status);
            raw.drain(..size);
            head = Some(found);
        }
        while let Some((data, size)) = chunk(&raw)? {
            text.extend_from_slice(data);
            raw.drain(..size);
        }
        while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            match String::from_utf8_lossy(&line).trim_end().split_once(": ") {
                Some(("event", "hello")) => {
                    if let Some(hello) = hello.take() {
                        hello();
                    }
                }
                Some(("data", data)) => {
                    for id in ids(data) {
                        lock(received).insert(id, now);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The ids of the tasks in the data of an event.
fn ids(data: &str) -> Vec<String> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    data["ids"].as_array().into_iter().flatten().filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

fn lock(times: &Times) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets this process and those that it starts have as many files open as the system allows, and returns the number.
fn raise_limit_of_files() -> Result<u64> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_tasks_of_an_event() {
        assert_eq!(ids(r#"{"kind":"created","ids":["a","b"],"tasks":[]}"#), ["a", "b"]);
        assert!(ids("{}").is_empty() && ids("no JSON").is_empty());
    }
}
