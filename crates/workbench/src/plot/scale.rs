//! The ranges of axes and the text of their ticks.

/// Beyond this size the axes could no longer be divided.
pub(super) fn finite(point: &(f64, f64)) -> bool {
    point.0.abs() < 1e100 && point.1.abs() < 1e100
}

/// The range of the finite values, made wider than nothing.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values = values.filter(|value| value.abs() < 1e100);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return (0.0, 1.0);
    }
    let least = 1e-6 * low.abs().max(high.abs()).max(1e-6);
    if high - low > least {
        (low, high)
    } else {
        (
            low - 0.5 * low.abs().max(1.0),
            high + 0.5 * high.abs().max(1.0),
        )
    }
}

/// The range with some space at both ends.
pub(super) fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let space = 0.05 * (high - low);
    (low - space, high + space)
}

/// As many decimals as neighbouring ticks need to differ; none where the value is whole, as an epoch.
pub(super) fn number(value: f64, (low, high): (f64, f64)) -> String {
    let step = (high - low) / 8.0;
    if !(1e-5..1e7).contains(&step) {
        return format!("{value:.2e}");
    }
    let whole = (value - value.round()).abs() < 1e-6 * step;
    let decimals = match whole {
        true => 0,
        false => (-step.log10().floor()).max(0.0) as usize,
    };
    let shown = format!("{value:.decimals$}");
    if shown
        .trim_start_matches('-')
        .chars()
        .all(|c| c == '0' || c == '.')
    {
        "0".into()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_labels_have_the_decimals_they_need() {
        assert_eq!(number(0.5, (0.0, 1.0)), "0.5");
        assert_eq!(number(20.0, (0.0, 50.0)), "20");
        assert_eq!(number(3.0, (1.0, 6.0)), "3");
        assert_eq!(number(-0.0, (-1.0, 1.0)), "0");
    }
}
