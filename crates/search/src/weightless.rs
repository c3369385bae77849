//! Operations of a child that have no weights, and what many of them mean.

use supernet::{CellGenotype, Genotype, OperationSet};

use crate::Task;

/// A cell is said to have collapsed when at least this share of its operations are skips; published cells
/// of DARTS, P-DARTS and PC-DARTS have up to three of eight.
const COLLAPSED: f64 = 0.5;
/// A limit that is known to work (Chen et al. 2019, P-DARTS).
const USUAL_LIMIT: usize = 2;

/// What a summary says of the skips and pools of a child: a line of counts for each, of those that the
/// task's operations have, and a warning for each cell that has collapsed.
pub(crate) fn lines<T: Task>(genotype: &Genotype<T::Op>) -> Vec<String> {
    let pools = <T::Op as OperationSet>::POOLS;
    let mut lines = Vec::new();
    if let Some(skip) = <T::Op as OperationSet>::SKIP {
        lines.push(line::<T>("skips", genotype, |op| op == skip));
        let cells = genotype.cells.iter().enumerate();
        lines.extend(cells.filter_map(|(index, cell)| collapse::<T>(index, cell, skip)));
    }
    if !pools.is_empty() {
        lines.insert(
            lines.len().min(1),
            line::<T>("pools", genotype, |op| pools.contains(&op)),
        );
    }
    lines
}

/// `skips     3 of 8 in the normal cell, 1 of 8 in the reduction cell`.
fn line<T: Task>(what: &str, genotype: &Genotype<T::Op>, is: impl Fn(T::Op) -> bool) -> String {
    let cells = genotype.cells.iter().enumerate();
    let counts = cells.map(|(index, cell)| {
        let (count, all) = (count(cell, &is), cell.operations().count());
        format!("{count} of {all} in the {}", T::Op::cell_title(index))
    });
    let counts: Vec<String> = counts.collect();
    format!("{what:<9} {}", counts.join(", "))
}

fn collapse<T: Task>(index: usize, cell: &CellGenotype<T::Op>, skip: T::Op) -> Option<String> {
    let (skips, all) = (count(cell, |op| op == skip), cell.operations().count());
    if skips <= USUAL_LIMIT || (skips as f64) < COLLAPSED * all as f64 {
        return None;
    }
    let limit = match index {
        0 => format!("; `search.max_skips={USUAL_LIMIT}` derives one with fewer"),
        _ => String::new(),
    };
    Some(format!(
        "warning: the {} is mostly skip connections, the known collapse of differentiable search: \
         such cells retrain badly{limit}",
        T::Op::cell_title(index)
    ))
}

fn count<O: OperationSet>(cell: &CellGenotype<O>, is: impl Fn(O) -> bool) -> usize {
    cell.operations().filter(|entry| is(entry.op)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ImageTask;

    #[test]
    fn skips_and_pools_are_counted_and_a_collapsed_cell_is_warned_of() {
        let lines = |text: &str| lines::<ImageTask>(&text.parse().unwrap());
        let reduce = "max_pool_3x3@0 avg_pool_5x5@1 skip_connect@0";
        let healthy = lines(&format!(
            "normal: skip_connect@0 skip_connect@1 | sep_conv_3x3@0 skip_connect@1 conv_1x1@0 \
             conv_3x3@0 dil_conv_3x3@2\nreduce: {reduce}"
        ));
        assert_eq!(
            healthy,
            [
                "skips     3 of 7 in the normal cell, 1 of 3 in the reduction cell",
                "pools     0 of 7 in the normal cell, 2 of 3 in the reduction cell"
            ]
        );
        let collapsed = lines(&format!(
            "normal: skip_connect@0 skip_connect@1 | skip_connect@0 sep_conv_3x3@1\nreduce: {reduce}"
        ));
        let warning = &collapsed[2];
        assert!(
            warning.starts_with("warning: the normal cell is mostly skip connections")
                && warning.ends_with("`search.max_skips=2` derives one with fewer"),
            "{warning}"
        );
        // Two skips of three are what the limit allows.
        let few = format!("normal: skip_connect@0 skip_connect@1 conv_1x1@0\nreduce: {reduce}");
        assert_eq!(lines(&few).len(), 2);
    }
}
