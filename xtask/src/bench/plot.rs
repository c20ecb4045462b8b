//! The plot of how costs grow, both axes logarithmic.

use crate::monitoring::picture::svg::{Area, Svg, legend_lines};

use super::section::{Line, float, thousands};

const COLORS: [&str; 6] = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9"];
const FRAME: Area = Area { x: 0.0, y: 0.0, w: 720.0, h: 360.0 };
const MAX_LEGEND_LINES: usize = 3;

/// Draws each line relative to its first point.
pub fn draw(lines: &[Line]) -> String {
    let names: Vec<_> =
        lines.iter().zip(COLORS.iter().cycle()).map(|(line, color)| (line.name.clone(), *color)).collect();
    let relative: Vec<Vec<(f64, f64)>> = lines.iter().map(relative).collect();
    let plot = {
        let legend = 15.0 * float(legend_lines(FRAME.w - 20.0, MAX_LEGEND_LINES, &names));
        Area { x: 62.0, y: 40.0, w: FRAME.w - 82.0, h: FRAME.h - 80.0 - legend }
    };
    let points = || relative.iter().flatten();
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let low = low.log10().floor();
        (low, high.log10().ceil().max(low + 1.0))
    };
    let (left, right) = decades(&mut points().map(|(size, _)| *size));
    let (bottom, top) = decades(&mut points().map(|(_, growth)| *growth));
    let x = |size: f64| plot.x + (size.log10() - left) / (right - left) * plot.w;
    let y = |growth: f64| plot.bottom() - (growth.log10() - bottom) / (top - bottom) * plot.h;

    let mut svg = Svg::new(FRAME.w, FRAME.h);
    svg.frame(FRAME, "CPU of a page of a list against that of the smallest size, by the number of the user's tasks");
    for growth in powers(bottom, top) {
        svg.grid_line(plot.x, plot.right(), y(growth));
        svg.text(plot.x - 8.0, y(growth) + 4.0, "end", &format!("{} ×", thousands(growth)));
    }
    for size in powers(left, right) {
        svg.text(x(size), plot.bottom() + 15.0, "middle", &thousands(size));
    }
    for (points, (_, color)) in relative.iter().zip(&names) {
        let run = points.iter().map(|(size, growth)| (x(*size), y(*growth))).collect();
        svg.line(&[run], plot.bottom(), color);
    }
    svg.legend(Area { x: 10.0, y: plot.bottom() + 35.0, w: FRAME.w - 20.0, h: 0.0 }, MAX_LEGEND_LINES, &names);
    svg.finish()
}

fn relative(line: &Line) -> Vec<(f64, f64)> {
    let Some((_, first)) = line.points.first() else { return Vec::new() };
    line.points.iter().map(|(size, cost)| (*size, cost / first)).collect()
}

/// The powers of ten between two exponents.
fn powers(from: f64, to: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(from), |exponent| Some(exponent + 1.0))
        .take_while(move |exponent| *exponent <= to)
        .map(|exponent| 10_f64.powf(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_at_one() {
        let line = Line { name: "a <list>".to_owned(), points: vec![(1e3, 50.0), (1e6, 500.0)] };
        assert_eq!(format!("{:?}", relative(&line)), "[(1000.0, 1.0), (1000000.0, 10.0)]");
        let drawn = draw(&[line]);
        for text in ["a &lt;list&gt;", ">1,000<", ">1,000,000<", ">10 ×<"] {
            assert!(drawn.contains(text), "{text}: {drawn}");
        }
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}
