//! The order in which an epoch visits examples, and its division into batches.

use super::random::{Purpose, seeded_rng, shuffle};
use crate::problem::Visit;

/// What the random changes to a batch depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RngKey {
    /// The seed of the run.
    pub seed: u64,
    /// The epoch, so that an example changes differently each time it is seen.
    pub epoch: u64,
}

/// What becomes of the examples that are left over when a batch is not full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// They make a smaller batch.
    Keep,
    /// They are left out.
    Drop,
}

/// A permutation of `count` examples that depends on nothing but the arguments; `number` tells those
/// of one seed apart.
pub fn permutation(count: usize, seed: u64, number: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = seeded_rng(Purpose::Order, [seed, number, 0]);
    shuffle(&mut rng, &mut order);
    order
}

/// Divides an order into batches of `batch_size`.
///
/// # Panics
///
/// When `batch_size` is zero.
pub fn index_batches(
    order: &[usize],
    batch_size: usize,
    remainder: Remainder,
) -> impl ExactSizeIterator<Item = &[usize]> {
    let used = match remainder {
        Remainder::Drop => order.len() / batch_size * batch_size,
        Remainder::Keep => order.len(),
    };
    order[..used].chunks(batch_size)
}

/// Cuts a list into so many of nearly equal length, in its order.
pub fn cut(indices: &[usize], pieces: usize) -> impl ExactSizeIterator<Item = &[usize]> {
    let edge = move |piece| piece * indices.len() / pieces;
    (0..pieces).map(move |piece| &indices[edge(piece)..edge(piece + 1)])
}

/// The indices of every pass of an epoch over `count` examples: whole batches of a permutation, gone
/// around again or stopped where the visit says how many steps there are, each cut into its passes.
///
/// # Panics
///
/// When the visit's batch size is zero.
pub fn training_lists(count: usize, visit: &Visit) -> Vec<Vec<usize>> {
    let order = permutation(count, visit.key.seed, visit.order);
    let batches: Vec<&[usize]> = index_batches(&order, visit.batch_size, Remainder::Drop).collect();
    let steps = visit.steps.unwrap_or(batches.len());
    let steps = batches.iter().cycle().take(steps);
    steps
        .flat_map(|step| cut(step, visit.passes))
        .map(<[usize]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Split;

    #[test]
    fn an_epoch_visits_every_example_once_in_an_order_of_its_own() {
        let mut order = permutation(100, 1, 7);
        assert_eq!(order, permutation(100, 1, 7));
        assert_ne!(order, permutation(100, 1, 8));
        assert_ne!(order, permutation(100, 2, 7));
        order.sort();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn batches_cover_the_order_and_the_rest_can_be_dropped() {
        let order = [4, 0, 3, 1, 2];
        let all: Vec<_> = index_batches(&order, 2, Remainder::Keep).collect();
        assert_eq!(all, [&[4, 0][..], &[3, 1], &[2]]);
        assert_eq!(index_batches(&order, 2, Remainder::Drop).len(), 2);
    }

    #[test]
    fn pieces_hold_every_index_once_in_order() {
        let pieces: Vec<&[usize]> = cut(&[5, 3, 8, 1, 9], 2).collect();
        assert_eq!(pieces, [&[5, 3][..], &[8, 1, 9]]);
    }

    #[test]
    fn steps_go_around_again_or_stop_and_are_cut_into_passes() {
        let visit = |steps, passes| Visit {
            split: Split::Weights,
            key: RngKey { seed: 3, epoch: 0 },
            order: 5,
            batch_size: 4,
            passes,
            steps,
        };
        let order = permutation(10, 3, 5);
        let lists = |steps, passes| training_lists(10, &visit(steps, passes));
        assert_eq!(lists(None, 1), [&order[..4], &order[4..8]]);
        let around = [&order[..4], &order[4..8], &order[..4]];
        assert_eq!(lists(Some(3), 1), around);
        assert_eq!(lists(Some(1), 1), around[..1]);
        assert_eq!(lists(Some(1), 2), [&order[..2], &order[2..4]]);
        // No whole batch at all: none, however often it is gone around.
        assert!(training_lists(3, &visit(Some(2), 1)).is_empty());
    }
}
