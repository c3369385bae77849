use super::RecurrentOperation;
use super::unroll::StepPlan;
use crate::architecture::{ForwardMode, Role, SearchSpace};
use crate::kernels::GateTerm;

/// What each step runs of the pairs that `active` `[edges][ops]` switches on, and of the others as much
/// as `mode` needs.
pub(super) fn plan(
    active: &[Vec<bool>],
    space: &SearchSpace<RecurrentOperation>,
    mode: ForwardMode,
) -> Vec<StepPlan> {
    (0..space.nodes)
        .map(|node| step(active, space, mode, node))
        .collect()
}

fn step(
    active: &[Vec<bool>],
    space: &SearchSpace<RecurrentOperation>,
    mode: ForwardMode,
    node: usize,
) -> StepPlan {
    let mut step = StepPlan::default();
    for predecessor in 0..space.incoming(node) {
        let edge = space.first_edge(node) + predecessor;
        let ops = space.operations.iter().enumerate();
        let terms = ops.filter_map(|(op, operation)| {
            Some(GateTerm {
                state: 0,
                activation: operation.activation()?,
                entry: [edge, op],
                on: mode.role(active[edge][op])? != Role::Constant,
            })
        });
        let mut terms: Vec<GateTerm> = terms.collect();
        if terms.iter().any(|term| term.on) {
            for term in &mut terms {
                term.state = step.read.len();
            }
            step.read.push(predecessor);
            step.terms.extend(terms);
        } else if !terms.is_empty() {
            step.measured.push((predecessor, terms));
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::{Execution, Trained};
    use crate::layers::Statistics;

    fn of(execution: Execution, trained: Trained) -> StepPlan {
        let operations = vec![RecurrentOperation::None, RecurrentOperation::Relu];
        let space = SearchSpace {
            nodes: 2,
            operations,
        };
        let active = [[true, false], [true, false], [false, true]].map(Vec::from);
        let mode = ForwardMode {
            execution,
            trained,
            statistics: Statistics::Batch,
        };
        plan(&active, &space, mode).remove(1)
    }

    #[test]
    fn a_step_runs_what_is_on_and_measures_the_rest_where_logits_are_trained() {
        let weights = of(Execution::ExactSparse, Trained::Weights);
        assert_eq!((weights.read, weights.measured.len()), (vec![1], 0));
        assert_eq!(weights.terms.len(), 1);
        let logits = of(Execution::ExactSparse, Trained::Logits);
        assert_eq!(logits.read, [1]);
        assert_eq!(logits.measured[0].0, 0);
        assert!(!logits.measured[0].1[0].on);
        let sampled = of(Execution::Sampled, Trained::Logits);
        assert_eq!((sampled.read, sampled.measured.len()), (vec![1], 0));
        let dense = of(Execution::Dense, Trained::Weights);
        assert_eq!((dense.read, dense.measured.len()), (vec![0, 1], 0));
        assert!(dense.terms.iter().all(|term| term.on));
        assert_eq!(dense.terms[1].entry, [2, 1]);
    }
}
