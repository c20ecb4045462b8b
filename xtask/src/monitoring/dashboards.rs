//! The dashboards in `helm/todo/dashboards`, as Grafana reads them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A query of a panel.
#[derive(Clone, Debug)]
pub struct Query {
    /// Title of the dashboard and of the panel.
    pub panel: String,
    /// The query with the names of its variables.
    pub expr: String,
}

impl Query {
    /// The query with the values of its variables; see [`substitute_variables`].
    #[must_use]
    pub fn filled(&self, namespace: &str, range: &str, rate: &str) -> String {
        substitute_variables(&self.expr, namespace, range, rate)
    }
}

/// Replaces the variables of a query. `range` is the time range of the dashboard, `rate` the window of rates, both as
/// durations of Prometheus such as `1m`.
#[must_use]
pub fn substitute_variables(expr: &str, namespace: &str, range: &str, rate: &str) -> String {
    let values = [("$namespace", namespace), ("$objective", "99.9"), ("$__range", range), ("$__rate_interval", rate)];
    values.iter().fold(expr.to_owned(), |expr, (variable, value)| expr.replace(variable, value))
}

/// Reads every dashboard of a directory, each with the name of its file.
pub fn read_all(directory: &Path) -> Result<Vec<(String, Value)>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut dashboards = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dashboard = serde_json::from_slice(&std::fs::read(&path)?).with_context(|| format!("{name} is no JSON"))?;
        dashboards.push((name, dashboard));
    }
    dashboards.sort_by(|(one, _), (other, _)| one.cmp(other));
    ensure!(!dashboards.is_empty(), "there is no dashboard in {}", directory.display());
    Ok(dashboards)
}

/// The panels of a dashboard except rows, which have no data.
pub fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().into_iter().flatten().filter(|panel| panel["type"] != "row")
}

/// The queries of all panels of all dashboards.
pub fn queries(directory: &Path) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for (name, dashboard) in read_all(directory)? {
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().with_context(|| format!("{name}: a target has no query"))?;
                let panel = [&dashboard["title"], &panel["title"]].map(|title| title.as_str().unwrap_or_default());
                queries.push(Query { panel: panel.join(": "), expr: expr.to_owned() });
            }
        }
    }
    Ok(queries)
}

/// The selectors of a query that have matchers, such as `up{job="todo"}`.
#[must_use]
pub fn selectors(expr: &str) -> Vec<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let mut found = Vec::new();
    for (brace, _) in expr.match_indices('{') {
        let start = expr[..brace].rfind(|letter| !is_name(letter)).map_or(0, |before| before + 1);
        if let Some(length) = expr[brace..].find('}')
            && start < brace
        {
            found.push(&expr[start..=brace + length]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced() {
        let query =
            Query { panel: String::new(), expr: "rate(a{b=\"$namespace\"}[$__rate_interval]) + $__range".into() };
        assert_eq!(query.filled("demo", "1h", "20s"), "rate(a{b=\"demo\"}[20s]) + 1h");
    }

    #[test]
    fn selectors_are_found() {
        assert_eq!(
            selectors("sum by (a) (rate(b_total{c=\"d\"}[5m])) / e{f!~\"g|h\"} > i"),
            ["b_total{c=\"d\"}", "e{f!~\"g|h\"}"]
        );
    }
}
