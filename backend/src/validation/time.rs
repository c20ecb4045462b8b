use time::{OffsetDateTime, UtcOffset};

/// The year of a time in UTC, as which it is stored and compared. `None` for the first and last hours of the years that
/// the type can express, which another offset moves out of them.
pub fn year_in_utc(time: OffsetDateTime) -> Option<i32> {
    time.checked_to_offset(UtcOffset::UTC).map(OffsetDateTime::year)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_offset_counts() {
        assert_eq!(year_in_utc(datetime!(2000-01-01 00:59 +1)), Some(1999));
        assert_eq!(year_in_utc(datetime!(9999-12-31 23:59:59 -1)), None);
        assert_eq!(year_in_utc(datetime!(-9999-01-01 00:00 +1)), None);
    }
}
