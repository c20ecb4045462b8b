//! Draws a dashboard as SVG from the results of its queries.
//!
//! The pictures are for the documentation. They have the panels, queries, units and positions of the JSON, and
//! Grafana's colours, but not everything that Grafana can show.

mod heatmap;
mod lines;
mod number;
pub(crate) mod svg;
mod unit;

use anyhow::{Context, Result};
use serde_json::Value;

use self::svg::{Area, Svg};
use super::{
    dashboards::{panels, substitute_variables},
    prometheus::Series,
};

/// The width in pixels of a column of Grafana's grid, which has 24 columns.
const COLUMN_WIDTH: f64 = 50.0;
/// The height in pixels of a row of Grafana's grid.
const ROW_HEIGHT: f64 = 28.0;
/// The distance between panels, in pixels.
const GAP: f64 = 8.0;
/// The height in pixels of the title of the dashboard.
const HEADER_HEIGHT: f64 = 44.0;
/// The number of values of a line.
const POINTS: f64 = 90.0;

/// The text of a panel without data.
pub const NO_DATA: &str = "no data";

/// The time range of a dashboard, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct TimeRange {
    pub from: f64,
    pub to: f64,
}

impl TimeRange {
    /// The seconds between two values.
    #[must_use]
    pub fn step(&self) -> f64 {
        ((self.to - self.from) / POINTS).max(1.0)
    }

    /// The position of a time in the range, from 0 to 1.
    fn fraction(&self, time: f64) -> f64 {
        (time - self.from) / (self.to - self.from)
    }
}

/// The result of a query, and the template of its names in the legend.
struct Answer {
    series: Vec<Series>,
    legend: String,
}

impl Answer {
    /// The name of a series in the legend.
    fn name(&self, series: &Series) -> String {
        let name = series
            .labels
            .iter()
            .fold(self.legend.clone(), |name, (label, value)| name.replace(&format!("{{{{{label}}}}}"), value));
        if name == "__auto" { String::new() } else { name }
    }
}

/// Runs the queries of a dashboard for a namespace and a time range, and returns its picture as SVG. `rate` is the
/// window of rates, as a duration of Prometheus such as `10s`.
pub async fn draw(
    dashboard: &Value,
    namespace: &str,
    range: TimeRange,
    rate: &str,
    query: impl AsyncFn(&str) -> Result<Vec<Series>>,
) -> Result<String> {
    let range_text = format!("{:.0}s", range.to - range.from);
    let all = dashboard["panels"].as_array().context("the dashboard has no panels")?;
    let height = all.iter().map(|panel| position(panel).bottom()).fold(0.0, f64::max);
    let mut svg = Svg::new(24.0 * COLUMN_WIDTH + GAP, height + GAP);
    svg.text(GAP * 2.0, 28.0, "title", dashboard["title"].as_str().unwrap_or_default());
    for row in all.iter().filter(|panel| panel["type"] == "row") {
        let area = position(row);
        svg.text(area.x + GAP, area.bottom() - 6.0, "row", row["title"].as_str().unwrap_or_default());
    }
    for panel in panels(dashboard) {
        let mut answers = Vec::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |key: &str| target[key].as_str().with_context(|| format!("a target has no {key}"));
            let series = query(&substitute_variables(text("expr")?, namespace, &range_text, rate)).await?;
            answers.push(Answer { series, legend: text("legendFormat")?.to_owned() });
        }
        draw_panel(&mut svg, panel, range, &answers);
    }
    Ok(svg.finish())
}

fn draw_panel(svg: &mut Svg, panel: &Value, range: TimeRange, answers: &[Answer]) {
    let area = position(panel);
    svg.frame(area, panel["title"].as_str().unwrap_or_default());
    let inner = Area { x: area.x + 10.0, y: area.y + 30.0, w: area.w - 20.0, h: area.h - 38.0 };
    let is_empty = answers.iter().all(|answer| answer.series.iter().all(Series::is_empty));
    match panel["type"].as_str() {
        _ if is_empty => svg.text(inner.x + inner.w / 2.0, inner.y + inner.h / 2.0, "middle", NO_DATA),
        Some("stat") => number::draw(svg, panel, inner, range, answers),
        Some("heatmap") => heatmap::draw(svg, panel, inner, range, answers),
        _ => lines::draw(svg, panel, inner, range, answers),
    }
}

/// The area of a panel, in pixels.
fn position(panel: &Value) -> Area {
    let grid = |key: &str| panel["gridPos"][key].as_f64().unwrap_or_default();
    Area {
        x: grid("x") * COLUMN_WIDTH + GAP,
        y: grid("y") * ROW_HEIGHT + HEADER_HEIGHT + GAP,
        w: grid("w") * COLUMN_WIDTH - GAP,
        h: grid("h") * ROW_HEIGHT - GAP,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use todo::workspace::Workspace;

    use crate::monitoring::dashboards::read_all;

    /// A line that rises to 10.
    fn series(labels: &[(&str, &str)]) -> Series {
        Series {
            labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>(),
            points: (0..=10).map(|time| (f64::from(time), f64::from(time))).collect(),
        }
    }

    #[tokio::test]
    async fn every_panel_is_drawn_with_the_names_of_its_lines() {
        let dashboards = read_all(&Workspace::find().unwrap().path("helm/todo/dashboards")).unwrap();
        let (_, overview) = dashboards.iter().find(|(name, _)| name == "overview.json").unwrap();
        let query = async |expr: &str| {
            assert!(!expr.contains('$'), "{expr}");
            let labels = [("component", "backend"), ("route", "/<id>"), ("status", "2xx")];
            Ok(vec![series(&[&labels[..], &[("le", "0.5"), ("pod", "a"), ("state", "idle")]].concat())])
        };
        let drawn = draw(overview, "default", TimeRange { from: 0.0, to: 10.0 }, "5s", query).await.unwrap();
        for panel in panels(overview) {
            let title = panel["title"].as_str().unwrap();
            assert!(drawn.contains(&format!(">{title}</text>")), "{title} is missing");
        }
        assert!(drawn.contains("backend /&lt;id&gt;") && !drawn.contains("{{"), "{drawn}");
        assert!(!drawn.contains("NaN"), "{drawn}");
    }

    #[tokio::test]
    async fn a_panel_without_data_has_a_text() {
        let dashboard = serde_json::json!({ "title": "A dashboard", "panels": [{
            "type": "timeseries", "title": "A panel", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "targets": [{ "expr": "up", "legendFormat": "" }],
        }] });
        let drawn =
            draw(&dashboard, "default", TimeRange { from: 0.0, to: 10.0 }, "5s", async |_| Ok(vec![])).await.unwrap();
        assert!(drawn.contains(NO_DATA), "{drawn}");
    }
}
