//! Splitting by class.

use super::random::{Purpose, seeded_rng, shuffle};

/// Divides the indices of `labels` so that the first list has exactly `first` of them and every class
/// is shared in the same proportion, up to rounding. Both lists come in rising order of index.
///
/// # Panics
///
/// When there are fewer than `first` labels.
pub fn stratified(labels: &[u16], first: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rng = seeded_rng(Purpose::Split, [seed, 0, 0]);
    let mut order: Vec<usize> = (0..labels.len()).collect();
    shuffle(&mut rng, &mut order);
    let classes = labels
        .iter()
        .max()
        .map_or(0, |label| usize::from(*label) + 1);
    let mut by_class = vec![Vec::new(); classes];
    for index in order {
        by_class[usize::from(labels[index])].push(index);
    }

    let sizes: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (members, share) in by_class.iter().zip(shares(&sizes, first)) {
        left.extend_from_slice(&members[..share]);
        right.extend_from_slice(&members[share..]);
    }
    left.sort_unstable();
    right.sort_unstable();
    (left, right)
}

/// Shares `total` among classes in proportion to their sizes, the largest remainders first.
fn shares(sizes: &[usize], total: usize) -> Vec<usize> {
    let count: usize = sizes.iter().sum();
    let mut shares: Vec<usize> = sizes
        .iter()
        .map(|size| size * total / count.max(1))
        .collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(sizes[class] * total % count.max(1)));
    let missing = total - shares.iter().sum::<usize>();
    for &class in by_remainder.iter().take(missing) {
        shares[class] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_favour_large_remainders() {
        // Exact shares: 1.5, 2.7, 0.0, 1.8.
        assert_eq!(shares(&[5, 9, 0, 6], 6), [1, 3, 0, 2]);
    }

    #[test]
    fn uneven_classes_keep_their_proportion() {
        let labels: Vec<u16> = [vec![0; 30], vec![2; 10], vec![1; 20]].concat();
        let (first, second) = stratified(&labels, 12, 9);
        let count = |list: &[usize], class| list.iter().filter(|i| labels[**i] == class).count();
        assert_eq!([0, 1, 2].map(|class| count(&first, class)), [6, 4, 2]);
        assert_eq!([0, 1, 2].map(|class| count(&second, class)), [24, 16, 8]);
    }
}
