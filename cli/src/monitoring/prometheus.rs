//! The part of Prometheus's HTTP API that tests ask.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

/// One element of the answer to an instant query.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// A rule that Prometheus judges.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    pub name: String,
    pub query: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
    /// `ok`, or what went wrong when it was judged.
    pub health: String,
}

/// Where an instant query is answered.
#[must_use]
pub fn query(expr: &str) -> String {
    format!("/api/v1/query?query={}", byte_serialize(expr.as_bytes()).collect::<String>())
}

/// Where the rules are told.
pub const RULES: &str = "/api/v1/rules";

/// Reads the answer to a query: a vector, or a scalar as one sample.
pub fn samples(answer: &str) -> Result<Vec<Sample>> {
    let data = data(answer)?;
    let value = |pair: &Value| pair[1].as_str().and_then(|text| text.parse().ok()).context("a sample has no value");
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

/// Reads the alerts out of the rules.
pub fn alerts(answer: &str) -> Result<Vec<Alert>> {
    let data = data(answer)?;
    let groups = data["groups"].as_array().context("the answer has no groups")?;
    let rules = groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
    rules.map(|rule| Ok(serde_json::from_value(rule.clone())?)).collect()
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
    fn answers_are_read() {
        let answer =
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2.5"]}]}}"#;
        let read = samples(answer).unwrap();
        assert_eq!((read[0].labels["a"].as_str(), read[0].value), ("b", 2.5));
        assert!(samples(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#).unwrap().is_empty());
        let refused = samples(r#"{"status":"error","error":"bad expression"}"#).unwrap_err().to_string();
        assert!(refused.contains("bad expression"), "{refused}");
    }
}
