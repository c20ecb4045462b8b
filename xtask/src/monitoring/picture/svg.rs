//! The shapes of the pictures.

use std::fmt::Write;

const STYLE: &str = "
text { font: 11px Inter, 'Helvetica Neue', Arial, sans-serif; fill: #9fa0aa }
.title { font-size: 18px; font-weight: 600; fill: #d8d9e0 }
.row { font-size: 14px; font-weight: 600; fill: #d8d9e0 }
.panel { font-size: 13px; font-weight: 600; fill: #d8d9e0 }
.frame { fill: #181b1f; stroke: #2a2d33 }
.grid { stroke: #2a2d33 }
.number { font-size: 24px; font-weight: 600; text-anchor: middle }
.end { text-anchor: end }
.middle { text-anchor: middle }
.line { fill: none; stroke-width: 1.5; stroke-linejoin: round }";
/// The average width of a letter in a legend, in pixels.
const LETTER_WIDTH: f64 = 6.0;

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Area {
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    pub fn right(&self) -> f64 {
        self.x + self.w
    }
}

pub struct Svg(String);

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\">\n<style>{STYLE}\n</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#111217\"/>\n"
        ))
    }

    pub fn finish(mut self) -> String {
        self.add(format_args!("</svg>"));
        self.0
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{element}");
    }

    pub fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.add(format_args!("<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{text}</text>"));
    }

    pub fn number(&mut self, x: f64, y: f64, color: &str, number: &str) {
        self.add(format_args!(
            "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"number\" style=\"fill: {color}\">{number}</text>"
        ));
    }

    pub fn frame(&mut self, Area { x, y, w, h }: Area, title: &str) {
        self.add(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"3\" class=\"frame\"/>"));
        self.text(x + 10.0, y + 20.0, "panel", title);
    }

    pub fn rectangle(&mut self, Area { x, y, w, h }: Area, color: &str) {
        self.add(format_args!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{color}\"/>"));
    }

    pub fn grid_line(&mut self, from: f64, to: f64, y: f64) {
        self.add(format_args!("<path d=\"M{from:.1} {y:.1}H{to:.1}\" class=\"grid\"/>"));
    }

    /// Draws a line for each run, and shades the area between it and `floor`.
    pub fn line(&mut self, runs: &[Vec<(f64, f64)>], floor: f64, color: &str) {
        for run in runs {
            let path: Vec<_> = run.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let (Some((first, _)), path) = (run.first(), path.join("L")) else { continue };
            self.add(format_args!(
                "<path d=\"M{path}V{floor:.1}H{first:.1}Z\" fill=\"{color}\" fill-opacity=\".08\"/>"
            ));
            // A run of one value becomes a dot.
            let dot = if run.len() == 1 { "h1.5" } else { "" };
            self.add(format_args!("<path d=\"M{path}{dot}\" class=\"line\" stroke=\"{color}\"/>"));
        }
    }

    /// Draws names with dashes of their colours, in as many lines as they need. Names that do not fit into `max_lines`
    /// lines are counted.
    pub fn legend(&mut self, area: Area, max_lines: usize, names: &[(String, &str)]) {
        for (line, names) in wrap_legend(area.w, max_lines, names).into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let y = area.y + 15.0 * line as f64;
            let mut x = area.x;
            for (name, color) in names {
                self.rectangle(Area { x, y: y - 5.0, w: 12.0, h: 3.0 }, color);
                self.text(x + 17.0, y, "", &name);
                x += width(&name);
            }
        }
    }
}

/// The number of lines of a legend.
pub fn legend_lines(width: f64, max_lines: usize, names: &[(String, &str)]) -> usize {
    wrap_legend(width, max_lines, names).len()
}

/// Distributes names over lines that fit into `room` pixels. The last name of the last line becomes the number of names
/// that do not fit.
fn wrap_legend<'a>(room: f64, max_lines: usize, names: &[(String, &'a str)]) -> Vec<Vec<(String, &'a str)>> {
    let mut lines: Vec<Vec<_>> = Vec::new();
    let mut used = room;
    for (name, color) in names {
        used += width(name);
        if used > room {
            lines.push(Vec::new());
            used = width(name);
        }
        if let Some(line) = lines.last_mut() {
            line.push((name.clone(), *color));
        }
    }
    let omitted: usize = lines.iter().skip(max_lines).map(Vec::len).sum();
    lines.truncate(max_lines);
    if let (1.., Some(last)) = (omitted, lines.last_mut().and_then(|line| line.last_mut())) {
        *last = (format!("and {} more", omitted + 1), "none");
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "a short text")]
fn width(name: &str) -> f64 {
    17.0 + name.chars().count() as f64 * LETTER_WIDTH + 12.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_legend_counts_the_omitted_names() {
        let names: Vec<_> = (0..10).map(|number| (format!("line number {number}"), "red")).collect();
        let two_in_a_line = width("line number 0") * 2.5;
        let lines = wrap_legend(two_in_a_line, 2, &names);
        let texts: Vec<_> = lines.iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(texts, ["line number 0", "line number 1", "line number 2", "and 7 more"]);
        assert_eq!(legend_lines(two_in_a_line, 5, &names), 5);
        assert_eq!(wrap_legend(two_in_a_line, 5, &names)[4][1].0, "line number 9");
    }
}
