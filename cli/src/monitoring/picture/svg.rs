//! The few shapes that dashboards are made of.

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
/// Of a letter in a legend, on average.
const LETTER: f64 = 6.0;

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
        // Writing to a String does not fail.
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

    pub fn rule(&mut self, from: f64, to: f64, y: f64) {
        self.add(format_args!("<path d=\"M{from:.1} {y:.1}H{to:.1}\" class=\"grid\"/>"));
    }

    /// A line with a gap wherever there is no value, and a shade down to `floor`.
    pub fn line(&mut self, runs: &[Vec<(f64, f64)>], floor: f64, color: &str) {
        for run in runs {
            let path: Vec<_> = run.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let (Some((first, _)), Some((last, _)), path) = (run.first(), run.last(), path.join("L")) else { continue };
            self.add(format_args!(
                "<path d=\"M{path}V{floor:.1}H{first:.1}Z\" fill=\"{color}\" fill-opacity=\".08\"/>"
            ));
            // A single value is a dot of the line's width.
            let dot = if first == last { "h1.5" } else { "" };
            self.add(format_args!("<path d=\"M{path}{dot}\" class=\"line\" stroke=\"{color}\"/>"));
        }
    }

    /// Names beside dashes of their colours, in as many lines as they need. What does not go into `most` lines is counted.
    pub fn legend(&mut self, area: Area, most: usize, names: &[(String, &str)]) {
        for (line, left) in wrapped(area.w, most, names).into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let y = area.y + 15.0 * line as f64;
            let mut x = area.x;
            for (name, color) in left {
                self.rectangle(Area { x, y: y - 5.0, w: 12.0, h: 3.0 }, color);
                self.text(x + 17.0, y, "", &name);
                x += width(&name);
            }
        }
    }
}

/// How many lines a legend has.
pub fn legend_lines(width: f64, most: usize, names: &[(String, &str)]) -> usize {
    wrapped(width, most, names).len()
}

fn wrapped<'a>(room: f64, most: usize, names: &[(String, &'a str)]) -> Vec<Vec<(String, &'a str)>> {
    let mut lines: Vec<Vec<(String, &str)>> = Vec::new();
    let mut used = f64::INFINITY;
    let more = width("and 100 more");
    for (index, (name, color)) in names.iter().enumerate() {
        let is_last = index + 1 == names.len();
        let room = if lines.len() == most && !is_last { room - more } else { room };
        if used + width(name) > room {
            if lines.len() == most {
                let rest = format!("and {} more", names.len() - index);
                lines.last_mut().map(|line| line.push((rest, "none")));
                break;
            }
            lines.push(Vec::new());
            used = 0.0;
        }
        used += width(name);
        lines.last_mut().map(|line| line.push((name.clone(), color)));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "a short text")]
fn width(name: &str) -> f64 {
    17.0 + name.chars().count() as f64 * LETTER + 12.0
}
