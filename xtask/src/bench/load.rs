//! A load of requests over kept connections: each connection sends its next request when it has read the answer.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use super::{
    http::{Connection, Request},
    latencies::Latencies,
};

#[derive(Clone, Debug)]
pub struct Load {
    pub address: SocketAddr,
    /// The connections take turns with them.
    pub requests: Vec<Request>,
    pub connections: usize,
    pub duration: Duration,
}

impl Load {
    /// Sends requests until the time is over, and fails at the first answer that is no success.
    pub fn run(&self) -> Result<Latencies> {
        let end = Instant::now() + self.duration;
        let work = |number| {
            let mut connection = Connection::open(self.address)?;
            let mut latencies = Vec::new();
            for request in self.requests.iter().cycle().skip(number) {
                let start = Instant::now();
                if start >= end {
                    break;
                }
                connection.send(request)?.check()?;
                latencies.push(start.elapsed());
            }
            Ok::<_, anyhow::Error>(latencies)
        };
        let latencies: Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections).map(|number| scope.spawn(move || work(number))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("a thread of the load has panicked")))
            };
            threads.into_iter().map(join).collect()
        });
        Ok(latencies?.into_iter().flatten().collect())
    }
}
