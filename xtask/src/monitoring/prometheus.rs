//! The part of the HTTP API of Prometheus that the tests use.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

/// One element of the result of an instant query.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// One element of the result of a range query.
#[derive(Clone, Debug)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    /// Times in seconds since 1970, each with its value.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// Whether no value is a finite number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.iter().all(|(_, value)| !value.is_finite())
    }
}

/// An alerting rule and its state.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    pub name: String,
    pub query: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// `ok`, or the state of the last evaluation if it failed.
    pub health: String,
}

/// The path of an instant query.
#[must_use]
pub fn query(expr: &str) -> String {
    format!("/api/v1/query?query={}", byte_serialize(expr.as_bytes()).collect::<String>())
}

/// The path of a range query. `from` and `to` are in seconds since 1970, `step` is in seconds.
#[must_use]
pub fn query_range(expr: &str, from: f64, to: f64, step: f64) -> String {
    let expr = byte_serialize(expr.as_bytes()).collect::<String>();
    format!("/api/v1/query_range?query={expr}&start={from:.3}&end={to:.3}&step={step:.3}")
}

/// The path of all rules.
pub const RULES: &str = "/api/v1/rules";

/// Parses the answer to an instant query. A scalar becomes one sample.
pub fn samples(answer: &str) -> Result<Vec<Sample>> {
    let data = data(answer)?;
    if data["resultType"] == "scalar" {
        return Ok(vec![Sample { labels: BTreeMap::new(), value: value(&data["result"])? }]);
    }
    let elements = data["result"].as_array().context("the answer has no result")?;
    let sample = |element: &Value| {
        let labels = serde_json::from_value(element["metric"].clone())?;
        Ok(Sample { labels, value: value(&element["value"])? })
    };
    elements.iter().map(sample).collect()
}

/// Parses the answer to a range query.
pub fn series(answer: &str) -> Result<Vec<Series>> {
    let data = data(answer)?;
    let elements = data["result"].as_array().context("the answer has no result")?;
    let series = |element: &Value| {
        let labels = serde_json::from_value(element["metric"].clone())?;
        let pairs = element["values"].as_array().context("a series has no values")?;
        let point = |pair: &Value| Ok((pair[0].as_f64().context("a sample has no time")?, value(pair)?));
        Ok(Series { labels, points: pairs.iter().map(point).collect::<Result<_>>()? })
    };
    elements.iter().map(series).collect()
}

fn value(pair: &Value) -> Result<f64> {
    pair[1].as_str().and_then(|text| text.parse().ok()).context("a sample has no value")
}

/// Parses the alerting rules. Fails if there is none.
pub fn alerts(answer: &str) -> Result<Vec<Alert>> {
    let data = data(answer)?;
    let groups = data["groups"].as_array().context("the answer has no groups")?;
    let rules = groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
    let alerts: Vec<Alert> = rules.map(|rule| Ok(serde_json::from_value(rule.clone())?)).collect::<Result<_>>()?;
    ensure!(!alerts.is_empty(), "Prometheus has no rules");
    Ok(alerts)
}

/// Fails unless the alerts of these names are all in this state.
pub fn ensure_state(alerts: &[Alert], names: &[&str], state: &str) -> Result<()> {
    for name in names {
        let alert = alerts.iter().find(|alert| alert.name == *name).with_context(|| format!("no {name}"))?;
        ensure!(alert.state == state, "{name} is {}", alert.state);
    }
    Ok(())
}

fn data(answer: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(answer).with_context(|| format!("Prometheus answered: {answer}"))?;
    ensure!(answer["status"] == "success", "Prometheus refuses: {}", answer["error"]);
    Ok(answer["data"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_instant_queries_are_parsed() {
        let answer =
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2.5"]}]}}"#;
        let read = samples(answer).unwrap();
        assert_eq!((read[0].labels["a"].as_str(), read[0].value), ("b", 2.5));
        assert!(samples(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#).unwrap().is_empty());
        let refused = samples(r#"{"status":"error","error":"bad expression"}"#).unwrap_err().to_string();
        assert!(refused.contains("bad expression"), "{refused}");
    }

    #[test]
    fn answers_to_range_queries_are_parsed() {
        let answer = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"a":"b"},"values":[[1.5,"2"],[2.5,"NaN"]]}]}}"#;
        let read = series(answer).unwrap();
        assert_eq!((read[0].labels["a"].as_str(), read[0].points[0]), ("b", (1.5, 2.0)));
        assert!(read[0].points[1].1.is_nan());
    }
}
