//! Stat panels: the last value, and a sparkline of the previous ones.

use serde_json::Value;

use super::{
    Answer, TimeRange,
    svg::{Area, Svg},
    unit::format_value,
};

pub fn draw(svg: &mut Svg, panel: &Value, area: Area, range: TimeRange, answers: &[Answer]) {
    let defaults = &panel["fieldConfig"]["defaults"];
    let unit = defaults["unit"].as_str().unwrap_or_default();
    let all: Vec<_> =
        answers.iter().flat_map(|answer| answer.series.iter().map(|series| (answer.name(series), series))).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few numbers")]
    let width = area.w / all.len().max(1) as f64;
    let mut x = area.x;
    for (name, series) in &all {
        let Some(last) = series.points.iter().rev().map(|(_, value)| *value).find(|value| value.is_finite()) else {
            continue;
        };
        let mapped = &defaults["mappings"][0]["options"][format!("{last}")];
        let text = mapped["text"].as_str().map_or_else(|| format_value(last, unit), str::to_owned);
        let color = color(mapped["color"].as_str().or_else(|| threshold(defaults, last)).unwrap_or("green"));
        let sparkline = Area { x: x + 2.0, w: width - 4.0, y: area.y + area.h * 0.68, h: area.h * 0.32 };
        draw_sparkline(svg, sparkline, range, &series.points, color);
        let middle = x + width / 2.0;
        svg.text(middle, sparkline.y - 38.0, "middle", name);
        svg.number(middle, sparkline.y - 10.0, color, &text);
        x += width;
    }
}

fn draw_sparkline(svg: &mut Svg, area: Area, range: TimeRange, points: &[(f64, f64)], color: &str) {
    let finite: Vec<_> = points.iter().filter(|(_, value)| value.is_finite()).collect();
    let highest = finite.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let run = finite.iter().map(|(time, value)| {
        (area.x + range.fraction(*time) * area.w, area.bottom() - (value / highest).clamp(0.0, 1.0) * area.h)
    });
    svg.line(&[run.collect()], area.bottom(), color);
}

/// The colour of the highest step that the value reaches.
fn threshold(defaults: &Value, value: f64) -> Option<&str> {
    let steps = defaults["thresholds"]["steps"].as_array()?;
    let reached = steps.iter().rev().find(|step| step["value"].as_f64().is_none_or(|min| value >= min))?;
    reached["color"].as_str()
}

fn color(name: &str) -> &'static str {
    match name {
        "red" => "#f2495c",
        "orange" => "#ff9830",
        _ => "#73bf69",
    }
}
