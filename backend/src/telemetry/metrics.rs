//! Metrics of HTTP requests, and what all metrics share.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, core::Collector};

/// Upper bounds in seconds: from 1 ms, a read from memory, to 5 s, close to the time limit of a request.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Adds a metric to those that are exposed, and gives it back.
pub fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> prometheus::Result<M> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Metrics of HTTP requests. A clone refers to the same numbers.
#[derive(Clone)]
pub struct RequestMetrics {
    requests: IntCounterVec,
    aborted: IntCounterVec,
    latency: HistogramVec,
    in_flight: IntGauge,
}

impl RequestMetrics {
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let labels = &["method", "route", "status"];
        let requests = IntCounterVec::new(Opts::new("http_requests_total", "Requests answered"), labels)?;
        let aborted = "Requests whose client went away before the answer";
        let aborted = IntCounterVec::new(Opts::new("http_requests_aborted_total", aborted), &["method", "route"])?;
        let latency = HistogramOpts::new("http_request_duration_seconds", "Time until the answer began");
        let latency = HistogramVec::new(latency.buckets(LATENCY_BUCKETS.to_vec()), labels)?;
        let in_flight = IntGauge::new("http_requests_in_flight", "Requests being answered")?;
        Ok(Self {
            requests: registered(registry, requests)?,
            aborted: registered(registry, aborted)?,
            latency: registered(registry, latency)?,
            in_flight: registered(registry, in_flight)?,
        })
    }

    /// Counts a request as in flight until the guard is dropped, also when the client goes away.
    pub fn request_started(&self) -> GaugeGuard {
        GaugeGuard::new(&self.in_flight)
    }

    pub fn request_finished(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let labels = &[known_method(method), route, status_class(status)];
        self.requests.with_label_values(labels).inc();
        self.latency.with_label_values(labels).observe(elapsed.as_secs_f64());
    }

    pub fn request_aborted(&self, method: &str, route: &str) {
        self.aborted.with_label_values(&[known_method(method), route]).inc();
    }
}

/// Keeps a gauge one higher until it is dropped.
pub struct GaugeGuard(IntGauge);

impl GaugeGuard {
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clients may invent methods; labels must not multiply with them.
fn known_method(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

fn status_class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
