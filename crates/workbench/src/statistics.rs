//! Figures of several runs together.

use crate::columns::aligned;

/// Mean and sample standard deviation; the deviation of one value is 0.
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
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
    fn the_deviation_is_that_of_a_sample() {
        let (mean, deviation) = mean_and_deviation(&[10.0, 12.0]);
        assert_eq!(mean, 11.0);
        assert!((deviation - 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(mean_and_deviation(&[3.0]), (3.0, 0.0));
    }
}
