//! Numbers for people.

/// Bytes with a binary unit: `22.2 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    match scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]) {
        (_, "B") => format!("{bytes} B"),
        (value, unit) => format!("{} {unit}", digits(value)),
    }
}

/// A count with a decimal unit: `11.9 G` and the `what` behind it.
pub(super) fn count(value: f64, what: &str) -> String {
    let told = match scaled(value, 1000.0, &["", "k", "M", "G", "T", "P"]) {
        (value, "") => format!("{value:.0} {what}"),
        (value, unit) => format!("{} {unit}{what}", digits(value)),
    };
    told.trim_end().to_owned()
}

/// A number below `base`, as far as there are units, and its unit. What would be rounded up to `base` is in the next unit.
fn scaled<'u>(mut value: f64, base: f64, units: &[&'u str]) -> (f64, &'u str) {
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while value >= base - 0.5
        && let Some(next) = units.next()
    {
        (value, unit) = (value / base, next);
    }
    (value, unit)
}

/// Three figures.
fn digits(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// A time: `312 µs`, `4.1 s`, `27 min`, `3 h 5 min`.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{} ms", digits(s * 1e3)),
        s if s < 120.0 => format!("{} s", digits(s)),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s.is_finite() => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0) / 60.0),
        _ => "for ever".into(),
    }
}

/// The day, in UTC, of seconds since 1970: `2026-11-22`.
pub(super) fn day(seconds: u64) -> String {
    // Years begin in March here, so that the day that a leap year adds is its last.
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_have_three_figures() {
        assert_eq!([bytes(0), bytes(1023), bytes(1024)], ["0 B", "1023 B", "1.00 KiB"]);
        assert_eq!([bytes(23_802_816_640), bytes(u64::MAX)], ["22.2 GiB", "16777216 TiB"]);
        assert_eq!(
            [count(11.9e9, ""), count(59.8e12, "FLOP"), count(999.6, "")],
            ["11.9 G", "59.8 TFLOP", "1.00 k"]
        );
    }

    #[test]
    fn times_and_days_read_well() {
        let told = [3e-5, 0.0123, 4.1, 100.0, 1620.0, 11_100.0].map(seconds);
        assert_eq!(told, ["30 µs", "12.3 ms", "4.10 s", "100 s", "27 min", "3 h 5 min"]);
        let days = [0, 951_782_400, 951_868_800, 1_795_305_600, 4_107_542_400].map(day);
        assert_eq!(days, ["1970-01-01", "2000-02-29", "2000-03-01", "2026-11-22", "2100-03-01"]);
    }
}
