//! Scores of cells with the weights of a search, for a terminal.

use workbench::columns::{aligned, field};
use workbench::record::InheritedScores;

/// A line for each of the cells, the best first, and what they are named by at the end, since it may be long.
pub(crate) fn table(scores: &InheritedScores) -> String {
    let metric = &scores.metric;
    let mut cells: Vec<_> = scores.cells.iter().collect();
    cells.sort_by(|a, b| metric.compare(a.value, b.value));
    let mut rows = vec![vec!["rank".to_string(), metric.heading(), "loss".into()]];
    rows.extend(cells.iter().enumerate().map(|(rank, cell)| {
        vec![
            (rank + 1).to_string(),
            format!("{:.2}", cell.value),
            format!("{:.4}", cell.loss),
        ]
    }));
    let mut text = aligned(&rows);
    for (rank, cell) in cells.iter().enumerate() {
        text += &field(&format!("rank {}", rank + 1), &cell.named);
    }
    text += &format!(
        "scored with the weights of epoch {}, on what validates\n",
        scores.epoch
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::record::{InheritedScore, Metric};

    #[test]
    fn the_best_cells_stand_first() {
        let cell = |named: &str, value| InheritedScore {
            named: named.into(),
            genotype: String::new(),
            loss: 0.5,
            value,
        };
        let scores = InheritedScores {
            epoch: 3,
            metric: Metric::ERROR,
            cells: vec![cell("worse", 20.0), cell("better", 10.0)],
        };
        let expected = "\
rank  error %    loss
1       10.00  0.5000
2       20.00  0.5000
rank 1    better
rank 2    worse
scored with the weights of epoch 3, on what validates
";
        assert_eq!(table(&scores), expected);
    }
}
