//! Formats numbers with units.

/// Formats a value in one of Grafana's units.
pub fn format_value(value: f64, unit: &str) -> String {
    match unit {
        "bytes" => {
            format_scaled(value, &[(1_073_741_824.0, " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")])
        }
        "s" => format_scaled(
            value,
            &[(86400.0, " d"), (3600.0, " h"), (60.0, " min"), (1.0, " s"), (1e-3, " ms"), (1e-6, " µs")],
        ),
        "percentunit" => format!("{} %", format_number(value * 100.0)),
        "reqps" => format!("{} req/s", format_count(value)),
        "ops" => format!("{} ops/s", format_count(value)),
        _ => format_count(value),
    }
}

fn format_count(value: f64) -> String {
    format_scaled(value, &[(1e6, " M"), (1e3, " k"), (1.0, "")])
}

/// Writes the value in the largest unit that it reaches, else in the smallest.
fn format_scaled(value: f64, units: &[(f64, &str)]) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let fits = units.iter().find(|(size, _)| value.abs() >= size * 0.9995);
    let (size, name) = fits.or(units.last()).copied().unwrap_or((1.0, ""));
    format!("{}{name}", format_number(value / size))
}

/// Writes the value with at most three digits.
fn format_number(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The values for which an axis from 0 to `max` has lines: at most five round values, the last not below `max`.
pub fn ticks(max: f64, unit: &str) -> Vec<f64> {
    let min_step = max / 4.0;
    let step = if unit == "bytes" { 2_f64.powf(min_step.log2().ceil()) } else { round_up(min_step) };
    let mut ticks = vec![0.0];
    while let Some(last) = ticks.last().copied().filter(|last| *last < max) {
        ticks.push(last + step);
    }
    ticks
}

/// Rounds up to 1, 2, 2.5 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::{format_value, ticks};

    #[test]
    fn values_are_short() {
        for (value, unit, text) in [
            (0.0, "s", "0"),
            (0.0025, "s", "2.5 ms"),
            (90.0, "s", "1.5 min"),
            (40.04, "reqps", "40 req/s"),
            (0.9993, "percentunit", "99.9 %"),
            (8_388_608.0, "bytes", "8 MiB"),
            (12_345.0, "short", "12.3 k"),
            (0.25, "none", "0.25"),
        ] {
            assert_eq!(format_value(value, unit), text);
        }
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(ticks(7.3, "none"), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(1.0, "none"), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(3_000_000.0, "bytes"), [0.0, 1_048_576.0, 2_097_152.0, 3_145_728.0]);
    }
}
