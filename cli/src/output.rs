//! Lines on the terminal, each with the name of the program it comes from.

use anstyle::{AnsiColor, Style};

/// The width of the longest name.
const WIDTH: usize = 15;

/// A name in a colour of its own. Colours are dropped where the output is no terminal.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    pub name: &'static str,
    pub color: AnsiColor,
}

pub const TODO: Label = Label { name: "todo", color: AnsiColor::Green };

impl Label {
    pub fn print(self, line: &str) {
        let style = Style::new().fg_color(Some(self.color.into()));
        anstream::println!("{style}{:>WIDTH$} │{style:#} {line}", self.name);
    }
}

/// A line of our own.
pub fn note(line: &str) {
    TODO.print(line);
}

#[must_use]
pub fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

#[must_use]
pub fn colored(color: AnsiColor, text: &str) -> String {
    let style = Style::new().fg_color(Some(color.into()));
    format!("{style}{text}{style:#}")
}
