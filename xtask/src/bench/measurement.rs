//! What was measured while a load ran.

use std::time::Duration;

use super::{latencies::Latencies, processes::Memory};

#[derive(Clone, Debug, Default)]
pub struct Measurement {
    /// Of each request.
    pub latencies: Latencies,
    pub elapsed: Duration,
    /// The CPU time of each service.
    pub app: Vec<Duration>,
    /// The CPU time of PostgreSQL, all its processes together.
    pub postgres: Duration,
    /// The CPU time of what sent the requests.
    pub load: Duration,
    /// The number of statements that clients have sent to PostgreSQL, if it counts them.
    pub statements: Option<u64>,
    /// Of the backend.
    pub memory: Option<Memory>,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of requests and bytes are far below 2^52")]
impl Measurement {
    pub fn requests(&self) -> f64 {
        self.latencies.count() as f64
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests() / self.elapsed.as_secs_f64()
    }

    /// Milliseconds that `percent` of the requests have not exceeded.
    pub fn percentile(&self, percent: usize) -> f64 {
        self.latencies.percentile(percent).as_secs_f64() * 1e3
    }

    /// Microseconds of CPU per request of the services.
    pub fn app_cpu(&self) -> f64 {
        self.per_request(self.app.iter().sum())
    }

    /// Microseconds of CPU per request of PostgreSQL.
    pub fn postgres_cpu(&self) -> f64 {
        self.per_request(self.postgres)
    }

    /// Microseconds of CPU per request of what sent the requests.
    pub fn load_cpu(&self) -> f64 {
        self.per_request(self.load)
    }

    pub fn per_request(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / self.requests()
    }

    /// Statements per request.
    pub fn statements(&self) -> Option<f64> {
        Some(self.statements? as f64 / self.requests())
    }

    /// Resident memory in MiB: now, and the most since the start.
    pub fn memory(&self) -> Option<(f64, f64)> {
        let mebibytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
        self.memory.map(|memory| (mebibytes(memory.now), mebibytes(memory.peak)))
    }
}

/// The mean of a figure of two rounds.
pub fn mean(rounds: &[Measurement; 2], figure: impl Fn(&Measurement) -> f64) -> f64 {
    f64::midpoint(figure(&rounds[0]), figure(&rounds[1]))
}

/// A figure of both rounds.
pub fn both<T>(rounds: &[T; 2], figure: impl Fn(&T) -> String) -> String {
    rounds.each_ref().map(figure).join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement() -> Measurement {
        Measurement {
            latencies: [10, 20, 30, 40].into_iter().map(Duration::from_millis).collect(),
            elapsed: Duration::from_secs(2),
            app: vec![Duration::from_millis(1), Duration::from_millis(3)],
            postgres: Duration::from_millis(8),
            load: Duration::from_millis(2),
            statements: Some(12),
            memory: Some(Memory { now: 1024 * 1024, peak: 3 * 1024 * 1024 }),
        }
    }

    #[test]
    fn figures_are_per_request() {
        let measured = measurement();
        let figures = [measured.rate(), measured.app_cpu(), measured.postgres_cpu(), measured.load_cpu()];
        assert_eq!(figures.map(|figure| format!("{figure:.0}")), ["2", "1000", "2000", "500"]);
        assert_eq!(format!("{:?}", measured.statements()), "Some(3.0)");
        assert_eq!(format!("{:?}", measured.memory()), "Some((1.0, 3.0))");
        assert_eq!(format!("{:.0}", measured.percentile(50)), "20");
    }

    #[test]
    fn two_rounds_have_a_mean_and_both_figures() {
        let rounds = [measurement(), Measurement { elapsed: Duration::from_secs(1), ..measurement() }];
        assert_eq!(format!("{:.1}", mean(&rounds, Measurement::rate)), "3.0");
        assert_eq!(both(&rounds, |round| format!("{:.0}", round.rate())), "2 / 4");
    }
}
