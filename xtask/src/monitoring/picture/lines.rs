//! Time series panels.

use serde_json::Value;

use super::{
    Answer, TimeRange,
    svg::{Area, Svg, legend_lines},
    unit::{format_value, ticks},
};

/// Grafana's classic palette.
const COLORS: [&str; 12] = [
    "#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#96d98d", "#ffb357", "#ff7383",
    "#ca95e5", "#fade2a",
];
/// The width in pixels of the labels of the vertical axis.
pub const AXIS_WIDTH: f64 = 62.0;
const MAX_LEGEND_LINES: usize = 2;

pub fn draw(svg: &mut Svg, panel: &Value, area: Area, range: TimeRange, answers: &[Answer]) {
    let all = answers.iter().flat_map(|answer| answer.series.iter().map(|series| (answer.name(series), series)));
    let lines: Vec<_> = all.zip(COLORS.iter().cycle()).collect();
    let values = lines.iter().flat_map(|((_, series), _)| &series.points).map(|(_, value)| *value);
    let highest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    let names: Vec<_> = lines.iter().map(|((name, _), color)| (name.clone(), **color)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few lines")]
    let legend = 15.0 * legend_lines(area.w, MAX_LEGEND_LINES, &names) as f64;
    let plot =
        Area { x: area.x + AXIS_WIDTH, y: area.y + 6.0, w: area.w - AXIS_WIDTH - 4.0, h: area.h - legend - 26.0 };
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
    // If all values are 0, the axis ends at 1.
    let ticks = ticks(if highest > 0.0 { highest } else { 1.0 }, unit);
    let top = ticks.last().copied().unwrap_or(1.0);
    let height = |value: f64| plot.bottom() - value / top * plot.h;
    for tick in ticks {
        svg.grid_line(plot.x, plot.right(), height(tick));
        svg.text(plot.x - 8.0, height(tick) + 4.0, "end", &format_value(tick, unit));
    }
    time_axis(svg, plot, range);
    for ((_, series), color) in &lines {
        let mut runs = vec![Vec::new()];
        let mut last = None;
        for (time, value) in &series.points {
            let is_gap = last.is_some_and(|last| time - last > range.step() * 1.5);
            if is_gap || !value.is_finite() {
                runs.push(Vec::new());
            }
            if value.is_finite()
                && let Some(run) = runs.last_mut()
            {
                run.push((plot.x + range.fraction(*time) * plot.w, height(*value)));
            }
            last = Some(*time);
        }
        svg.line(&runs, plot.bottom(), color);
    }
    svg.legend(Area { x: area.x, y: plot.bottom() + 32.0, ..area }, MAX_LEGEND_LINES, &names);
}

/// Draws the axis in minutes and seconds since the beginning of the range.
pub fn time_axis(svg: &mut Svg, plot: Area, range: TimeRange) {
    let length = range.to - range.from;
    let step = [5.0, 10.0, 15.0, 30.0, 60.0, 300.0].into_iter().find(|step| length / step <= 8.0).unwrap_or(600.0);
    let mut time = 0.0;
    while time <= length {
        let text = format!("{:.0}:{:02.0}", (time / 60.0_f64).floor(), time % 60.0);
        svg.text(plot.x + time / length * plot.w, plot.bottom() + 15.0, "middle", &text);
        time += step;
    }
}
