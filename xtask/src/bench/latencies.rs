//! Latencies of many requests.

use std::time::Duration;

/// What each of many requests has taken, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(latencies: I) -> Self {
        let mut sorted: Vec<_> = latencies.into_iter().collect();
        sorted.sort_unstable();
        Self(sorted)
    }
}

impl Latencies {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The latency that `percent` of the requests have not exceeded: the value of the nearest rank.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let latencies: Latencies = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(latencies.count(), 200);
        for (percent, millis) in [(0, 1), (1, 2), (50, 100), (99, 198), (100, 200)] {
            assert_eq!(latencies.percentile(percent), Duration::from_millis(millis), "{percent}");
        }
    }

    #[test]
    fn few_values_have_percentiles_too() {
        let one: Latencies = [Duration::from_millis(7)].into_iter().collect();
        assert_eq!((one.percentile(50), one.percentile(99)), (Duration::from_millis(7), Duration::from_millis(7)));
        assert_eq!(Latencies::default().percentile(50), Duration::ZERO);
    }
}
