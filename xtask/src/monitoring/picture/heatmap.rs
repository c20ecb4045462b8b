//! Heatmap panels, which show the buckets of a histogram over time.

use serde_json::Value;

use super::{
    Answer, TimeRange,
    lines::{AXIS_WIDTH, time_axis},
    svg::{Area, Svg},
    unit::format_value,
};

/// Colours in ascending order of the number of samples.
const SHADES: [&str; 8] = ["#3d2314", "#6b3410", "#9a4a0c", "#c8620a", "#ee7d1a", "#fb9a48", "#fdba7c", "#fee0c2"];

pub fn draw(svg: &mut Svg, panel: &Value, area: Area, range: TimeRange, answers: &[Answer]) {
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
    let mut buckets: Vec<_> = answers
        .iter()
        .flat_map(|answer| &answer.series)
        .filter_map(|series| Some((series.labels.get("le")?.parse::<f64>().ok()?, &series.points)))
        .collect();
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let plot = Area { x: area.x + AXIS_WIDTH, y: area.y + 6.0, w: area.w - AXIS_WIDTH - 4.0, h: area.h - 26.0 };
    #[expect(clippy::cast_precision_loss, reason = "a few buckets")]
    let height = plot.h / buckets.len().max(1) as f64;
    let width = range.step() / (range.to - range.from) * plot.w;
    let mut cells = Vec::new();
    let mut y = plot.bottom();
    let mut below: &[(f64, f64)] = &[];
    for (index, (le, points)) in buckets.iter().enumerate() {
        y -= height;
        if index % 2 == 0 {
            let bound = if le.is_finite() { format_value(*le, unit) } else { "longer".to_owned() };
            svg.text(plot.x - 8.0, y + height / 2.0 + 4.0, "end", &bound);
        }
        for (time, value) in *points {
            // A bucket also counts the samples of the buckets below it.
            let lower =
                below.iter().find(|(at, _)| (at - time).abs() < range.step() / 2.0).map_or(0.0, |(_, value)| *value);
            let cell = Area { x: plot.x + range.fraction(*time) * plot.w, y, w: width - 0.5, h: height - 1.0 };
            cells.push((cell, value - lower));
        }
        below = points;
    }
    let max = cells.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    for (cell, count) in cells.iter().filter(|(cell, count)| *count > 0.01 && cell.right() <= plot.right() + 0.5) {
        svg.rectangle(*cell, shade(count / max));
    }
    time_axis(svg, plot, range);
}

/// The scale is logarithmic, so that few samples can be seen next to many.
fn shade(fraction: f64) -> &'static str {
    let mut limit = 1.0;
    for shade in SHADES.iter().rev() {
        limit /= 2.0;
        if fraction >= limit {
            return shade;
        }
    }
    SHADES[0]
}
