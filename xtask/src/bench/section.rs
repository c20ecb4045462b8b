//! What a row of the benchmark gives: a table, and the lines of its plot.

use super::measurement::{Measurement, both, mean};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What the machine could not do, or what is to know to read the table.
    pub remarks: Vec<String>,
    pub lines: Vec<Line>,
}

/// How a figure grows with a size.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

impl Section {
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), ..Self::default() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The columns of [`Section::measured`].
    pub fn of_requests() -> Self {
        Self::new(&[
            "what",
            "requests/s",
            "p50, p99 ms",
            "CPU µs: app + PostgreSQL",
            "of the load",
            "statements",
            "memory MiB",
            "against pgbench",
        ])
    }

    /// A row of both rounds. The ratio is that of the CPU of app and PostgreSQL to that of PostgreSQL under pgbench.
    pub fn measured(&mut self, what: &str, rounds: &[Measurement; 2], pgbench: Option<&[Measurement; 2]>) {
        let sum = |round: &Measurement| round.app_cpu() + round.postgres_cpu();
        let cpu = |round: &Measurement| {
            if round.app.is_empty() {
                thousands(round.postgres_cpu())
            } else {
                format!("{} + {}", thousands(round.app_cpu()), thousands(round.postgres_cpu()))
            }
        };
        let [_, last] = rounds;
        self.row([
            what.to_owned(),
            both(rounds, |round| thousands(round.rate())),
            both(rounds, |round| format!("{}, {}", short(round.percentile(50)), short(round.percentile(99)))),
            both(rounds, cpu),
            both(rounds, |round| thousands(round.load_cpu())),
            last.statements().map_or_else(dash, |statements| format!("{statements:.1}")),
            last.memory().map_or_else(dash, |(now, peak)| format!("{now:.0}, at most {peak:.0}")),
            pgbench.map_or_else(dash, |pgbench| {
                format!("{:.2} ×", mean(rounds, sum) / mean(pgbench, Measurement::postgres_cpu))
            }),
        ]);
    }

    /// The table in Markdown, and the remarks.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let rule: Vec<_> = self.columns.iter().map(|_| "---".to_owned()).collect();
        let table = [line(&self.columns), line(&rule)].into_iter().chain(self.rows.iter().map(|row| line(row)));
        let table = table.collect::<Vec<_>>().join("\n");
        std::iter::once(table).chain(self.remarks.iter().cloned()).collect::<Vec<_>>().join("\n\n")
    }

    /// The table as lines, each column as wide as its widest cell, and the remarks.
    pub fn text(&self) -> String {
        let all: Vec<&Vec<String>> = std::iter::once(&self.columns).chain(&self.rows).collect();
        let cell_width = |row: &&Vec<String>, column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
        let width = |column| all.iter().map(|row| cell_width(row, column)).max().unwrap_or(0);
        let line = |row: &&Vec<String>| {
            let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        all.iter().map(line).chain(self.remarks.iter().cloned()).collect::<Vec<_>>().join("\n")
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// A number of tasks, bytes or the like, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
pub fn float(count: usize) -> f64 {
    count as f64
}

/// A number with a comma between each three digits, if it has so many.
pub fn thousands(number: f64) -> String {
    if number < 100.0 {
        return short(number);
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with two digits at least.
pub fn short(number: f64) -> String {
    match number {
        100.0.. => thousands(number),
        10.0.. => format!("{number:.0}"),
        1.0.. => format!("{number:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.123, 1.26, 23.4, 1234.5].map(short), ["0", "0.12", "1.3", "23", "1,234"]);
        assert_eq!([99.6, 1234.0, 1_234_567.2, 123.0].map(thousands), ["100", "1,234", "1,234,567", "123"]);
    }

    #[test]
    fn a_table_is_markdown_or_text() {
        let mut section = Section::new(&["what", "µs"]);
        section.row(["list".to_owned(), "1,000".to_owned()]);
        section.remarks.push("A remark.".to_owned());
        assert_eq!(section.markdown(), "| what | µs |\n| --- | --- |\n| list | 1,000 |\n\nA remark.");
        assert_eq!(section.text(), "what  µs\nlist  1,000\nA remark.");
    }

    #[test]
    fn the_ratio_is_that_to_postgresql_under_pgbench() {
        let round = |app: &[u64], postgres| Measurement {
            latencies: std::iter::repeat_n(Duration::from_millis(2), 1000).collect(),
            elapsed: Duration::from_secs(1),
            app: app.iter().map(|&millis| Duration::from_millis(millis)).collect(),
            postgres: Duration::from_millis(postgres),
            load: Duration::from_millis(50),
            ..Measurement::default()
        };
        let pgbench = [round(&[], 400), round(&[], 400)];
        let mut section = Section::of_requests();
        section.measured("pgbench", &pgbench, None);
        section.measured("list", &[round(&[300], 600), round(&[100], 600)], Some(&pgbench));
        assert_eq!(section.rows[0][3], "400 / 400");
        assert_eq!(section.rows[1][1..5], ["1,000 / 1,000", "2.0, 2.0 / 2.0, 2.0", "300 + 600 / 100 + 600", "50 / 50"]);
        assert_eq!(section.rows[1][7], "2.00 ×");
    }
}
