//! Tables for the terminal.

/// Rows as lines, each column as wide as its widest cell.
#[must_use]
pub fn lines<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["pod", "state"], ["todo-backend", "✓"], ["x", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(super::lines(&rows), ["pod           state", "todo-backend  ✓", "x"]);
    }
}
