//! Figures of several runs together.

use crate::columns::aligned;

/// Mean and sample standard deviation; the deviation of one value is 0.
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

/// The middle value, the mean of the two middle ones where there are as many on both sides; NaN of no value.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle)) {
        (1, Some(value)) => *value,
        (_, Some(upper)) => (sorted[middle - 1] + upper) / 2.0,
        (_, None) => f64::NAN,
    }
}

/// Spearman's rank correlation of pairs of values, 1 where both order alike and -1 where they order in
/// opposite ways; equal values share their mean rank. None where one of both is the same throughout.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (a, b) = (ranks(&a), ranks(&b));
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let deviations = a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean));
        deviations.sum()
    };
    let squares = product(&a, &a) * product(&b, &b);
    (squares > 0.0).then(|| product(&a, &b) / squares.sqrt())
}

/// The rank of each value, from 1.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        below + (equal + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

/// A table of the runs of several seeds for a terminal: a row for each, and where there are several one
/// of their means and one of their deviations. Heads have two lines; a run has a figure for each.
pub fn seeds_table(heads: &[[String; 2]], runs: &[(u64, Vec<f64>)]) -> String {
    let head = |line: usize, name: &str| {
        let heads = heads.iter().map(|head| head[line].clone());
        std::iter::once(name.to_string()).chain(heads).collect()
    };
    let row = |name: String, figures: &[f64]| {
        let figures = figures.iter().map(|figure| format!("{figure:.2}"));
        std::iter::once(name).chain(figures).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> = vec![head(0, ""), head(1, "seed")];
    rows.extend(
        runs.iter()
            .map(|(seed, figures)| row(seed.to_string(), figures)),
    );
    if runs.len() > 1 {
        let spread = |column: usize| {
            let values = runs.iter().filter_map(|(_, figures)| figures.get(column));
            mean_and_deviation(&values.copied().collect::<Vec<_>>())
        };
        let (means, deviations): (Vec<f64>, Vec<f64>) = (0..heads.len()).map(spread).unzip();
        rows.push(row("mean".into(), &means));
        rows.push(row("s.d.".into(), &deviations));
    }
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 100.0]), 3.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn several_runs_end_in_their_mean_and_deviation() {
        let heads = [["child", "error %"], ["gap", "points"], ["", "seconds"]];
        let heads = heads.map(|head| head.map(String::from));
        let runs = [(4, vec![10.0, -2.0, 60.0]), (15, vec![12.0, 0.0, 60.0])];
        let expected = [
            "        child     gap",
            "seed  error %  points  seconds",
            "4       10.00   -2.00    60.00",
            "15      12.00    0.00    60.00",
            "mean    11.00   -1.00    60.00",
            "s.d.     1.41    1.41     0.00",
        ];
        let table = seeds_table(&heads, &runs);
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
        assert!(!seeds_table(&heads, &runs[..1]).contains("mean"));
    }

    #[test]
    fn ranks_correlate_whatever_the_distances_are() {
        let same = [(1.0, 10.0), (2.0, 11.0), (3.0, 500.0)];
        assert_eq!(rank_correlation(&same), Some(1.0));
        let opposite = [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)];
        assert_eq!(rank_correlation(&opposite), Some(-1.0));
        // Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: by hand 4.5 / sqrt(4.5 * 5).
        let tied = [(1.0, 1.0), (2.0, 3.0), (2.0, 2.0), (3.0, 4.0)];
        let correlation = rank_correlation(&tied).unwrap();
        assert!((correlation - 4.5 / 22.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(rank_correlation(&[(1.0, 1.0), (1.0, 2.0)]), None);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let (mean, deviation) = mean_and_deviation(&[10.0, 12.0]);
        assert_eq!(mean, 11.0);
        assert!((deviation - 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(mean_and_deviation(&[3.0]), (3.0, 0.0));
    }
}
