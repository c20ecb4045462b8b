use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::{
    http::{Connection, Request},
    measurement::{Measurement, both},
    section::{Section, float, thousands},
    stage::{Stage, blocking},
};

pub async fn run(stage: &Stage) -> Result<Section> {
    let sizes: &[usize] = if stage.quick { &[10_000, 100_000] } else { &[10_000, 100_000, 1_000_000] };
    // How long an export is measured. A longer one is cut off.
    let limit = Duration::from_secs(if stage.quick { 5 } else { 60 });
    let backend = stage.backend().await?;
    let mut section = Section::new(&["tasks", "tasks/s", "MB/s", "CPU µs per task: app + PostgreSQL", "memory MiB"]);
    // Of a task in an export that was read to its end.
    let mut task_bytes = 0.0;
    for &size in sizes {
        let user = stage.filled(&backend, size).await?.user;
        let request = Request::get("/api/tasks/export", &[&user.cookie]);
        let mut rounds = Vec::new();
        for _ in 0..2 {
            let mut exported = Export::default();
            let (address, request) = (backend.address, request.clone());
            let measured = stage
                .measure(&[&backend], async || {
                    exported = blocking(move || export(&mut Connection::open(address)?, &request, limit)).await?;
                    Ok((std::iter::once(exported.elapsed).collect(), exported.elapsed))
                })
                .await?;
            rounds.push((exported, measured));
        }
        let [one, other] = [rounds.swap_remove(0), rounds.swap_remove(0)];
        if one.0.is_complete {
            task_bytes = one.0.bytes / float(size);
        }
        let tasks = |(exported, _): &(Export, Measurement)| {
            if exported.is_complete { float(size) } else { exported.bytes / task_bytes }
        };
        if !(one.0.is_complete && other.0.is_complete) {
            section.remarks.push(format!(
                "The export of {} tasks was cut off after {} s; the number of tasks is that of the bytes until then.",
                thousands(float(size)),
                limit.as_secs()
            ));
        }
        let rounds = [one, other];
        let (app, postgres) = (Measurement::app_cpu, Measurement::postgres_cpu);
        section.row([
            thousands(float(size)),
            both(&rounds, |round| thousands(tasks(round) / round.0.elapsed.as_secs_f64())),
            both(&rounds, |round| thousands(round.0.bytes / 1e6 / round.0.elapsed.as_secs_f64())),
            both(&rounds, |round| {
                format!(
                    "{} + {}",
                    thousands(app(&round.1) / tasks(round)),
                    thousands(postgres(&round.1) / tasks(round))
                )
            }),
            rounds[1].1.memory().map_or_else(String::new, |(now, peak)| format!("{now:.0}, at most {peak:.0}")),
        ]);
    }
    backend.stop().await;
    Ok(section)
}

#[derive(Clone, Copy, Debug, Default)]
struct Export {
    bytes: f64,
    elapsed: Duration,
    is_complete: bool,
}

/// Reads an export until it ends or the time is over.
fn export(connection: &mut Connection, request: &Request, limit: Duration) -> Result<Export> {
    let start = Instant::now();
    let mut bytes = 0;
    let head = connection.stream(request, |part| {
        bytes += part.len();
        start.elapsed() < limit
    })?;
    anyhow::ensure!(head.status == 200, "the answer was {}", head.status);
    let elapsed = start.elapsed();
    Ok(Export { bytes: float(bytes), elapsed, is_complete: elapsed < limit })
}
