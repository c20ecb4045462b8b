//! Versions of programs.

/// The first `MAJOR.MINOR` in a text such as `v1.34.4` or `rustc 1.95.0 (…)`.
pub fn parse(text: &str) -> Option<(u32, u32)> {
    text.split(|it: char| !it.is_ascii_digit() && it != '.').find_map(|word| {
        let mut numbers = word.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

pub fn at_least(text: &str, wanted: (u32, u32)) -> bool {
    parse(text).is_some_and(|found| found >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        assert_eq!(parse("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert_eq!(parse("v3.19.0+g3d8990f"), Some((3, 19)));
        assert_eq!(parse("v1.32.4-dispatcher"), Some((1, 32)));
        assert_eq!(parse("none"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(at_least("v3.14.0", (3, 14)) && at_least("v4.0.0", (3, 14)));
        assert!(!at_least("v3.9.4", (3, 14)) && !at_least("", (3, 14)));
    }
}
