//! Draws a dashboard as SVG, out of what Prometheus answers to its queries.
//!
//! The pictures are for the documentation. They have the panels, queries, units and positions of the JSON, and
//! Grafana's colours, but not everything that Grafana can show.

mod heatmap;
mod lines;
mod number;
mod svg;
mod unit;

use anyhow::{Context, Result};
use serde_json::Value;

use self::svg::{Area, Svg};
use super::{
    dashboards::{filled, panels},
    prometheus::Series,
};

/// The size in pixels of a cell of Grafana's grid, which has 24 columns.
const COLUMN: f64 = 50.0;
const ROW: f64 = 28.0;
const GAP: f64 = 8.0;
const HEAD: f64 = 44.0;
/// The number of values of a line.
const POINTS: f64 = 90.0;

/// The text of a panel in which there is nothing to draw.
pub const NO_DATA: &str = "no data";

/// The time that is shown, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: f64,
    pub to: f64,
}

impl Span {
    /// The seconds between two values.
    #[must_use]
    pub fn step(&self) -> f64 {
        ((self.to - self.from) / POINTS).max(1.0)
    }

    /// The position of a time in the span, from 0 to 1.
    fn part(&self, time: f64) -> f64 {
        (time - self.from) / (self.to - self.from)
    }
}

/// The answer to a query, and the template for the names of its lines.
struct Answer {
    series: Vec<Series>,
    legend: String,
}

impl Answer {
    fn name(&self, series: &Series) -> String {
        let name = series
            .labels
            .iter()
            .fold(self.legend.clone(), |name, (label, value)| name.replace(&format!("{{{{{label}}}}}"), value));
        if name == "__auto" { String::new() } else { name }
    }
}

/// Asks for all that a dashboard shows of the namespace in this time, and draws it. Rates are taken over `rate`.
pub async fn draw(
    dashboard: &Value,
    namespace: &str,
    span: Span,
    rate: &str,
    ask: impl AsyncFn(&str) -> Result<Vec<Series>>,
) -> Result<String> {
    let range = format!("{:.0}s", span.to - span.from);
    let all = dashboard["panels"].as_array().context("the dashboard has no panels")?;
    let height = all.iter().map(|panel| place(panel).bottom()).fold(0.0, f64::max);
    let mut svg = Svg::new(24.0 * COLUMN + GAP, height + GAP);
    svg.text(GAP * 2.0, 28.0, "title", dashboard["title"].as_str().unwrap_or_default());
    for row in all.iter().filter(|panel| panel["type"] == "row") {
        let area = place(row);
        svg.text(area.x + GAP, area.bottom() - 6.0, "row", row["title"].as_str().unwrap_or_default());
    }
    for panel in panels(dashboard) {
        let mut answers = Vec::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |key: &str| target[key].as_str().with_context(|| format!("a target has no {key}"));
            let series = ask(&filled(text("expr")?, namespace, &range, rate)).await?;
            answers.push(Answer { series, legend: text("legendFormat")?.to_owned() });
        }
        draw_panel(&mut svg, panel, span, &answers);
    }
    Ok(svg.finish())
}

fn draw_panel(svg: &mut Svg, panel: &Value, span: Span, answers: &[Answer]) {
    let area = place(panel);
    svg.frame(area, panel["title"].as_str().unwrap_or_default());
    let inner = Area { x: area.x + 10.0, y: area.y + 30.0, w: area.w - 20.0, h: area.h - 38.0 };
    let is_empty = answers.iter().all(|answer| answer.series.iter().all(Series::is_empty));
    match panel["type"].as_str() {
        _ if is_empty => svg.text(inner.x + inner.w / 2.0, inner.y + inner.h / 2.0, "middle", NO_DATA),
        Some("stat") => number::draw(svg, panel, inner, span, answers),
        Some("heatmap") => heatmap::draw(svg, panel, inner, span, answers),
        _ => lines::draw(svg, panel, inner, span, answers),
    }
}

fn place(panel: &Value) -> Area {
    let of = |key: &str| panel["gridPos"][key].as_f64().unwrap_or_default();
    Area { x: of("x") * COLUMN + GAP, y: of("y") * ROW + HEAD + GAP, w: of("w") * COLUMN - GAP, h: of("h") * ROW - GAP }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use todo::workspace::Workspace;

    use crate::monitoring::dashboards::all;

    /// A line that rises to 10.
    fn series(labels: &[(&str, &str)]) -> Series {
        Series {
            labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>(),
            points: (0..=10).map(|time| (f64::from(time), f64::from(time))).collect(),
        }
    }

    #[tokio::test]
    async fn every_panel_is_drawn_with_the_names_of_its_lines() {
        let dashboards = all(&Workspace::find().unwrap().path("helm/todo/dashboards")).unwrap();
        let (_, overview) = dashboards.iter().find(|(name, _)| name == "overview.json").unwrap();
        let ask = async |expr: &str| {
            assert!(!expr.contains('$'), "{expr}");
            let labels = [("component", "backend"), ("route", "/<id>"), ("status", "2xx")];
            Ok(vec![series(&[&labels[..], &[("le", "0.5"), ("pod", "a"), ("state", "idle")]].concat())])
        };
        let drawn = draw(overview, "default", Span { from: 0.0, to: 10.0 }, "5s", ask).await.unwrap();
        for panel in panels(overview) {
            let title = panel["title"].as_str().unwrap();
            assert!(drawn.contains(&format!(">{title}</text>")), "{title} is missing");
        }
        assert!(drawn.contains("backend /&lt;id&gt;") && !drawn.contains("{{"), "{drawn}");
        assert!(!drawn.contains("NaN"), "{drawn}");
    }

    #[tokio::test]
    async fn a_panel_without_data_says_so() {
        let dashboard = serde_json::json!({ "title": "A dashboard", "panels": [{
            "type": "timeseries", "title": "A panel", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "targets": [{ "expr": "up", "legendFormat": "" }],
        }] });
        let drawn =
            draw(&dashboard, "default", Span { from: 0.0, to: 10.0 }, "5s", async |_| Ok(vec![])).await.unwrap();
        assert!(drawn.contains(NO_DATA), "{drawn}");
    }
}
