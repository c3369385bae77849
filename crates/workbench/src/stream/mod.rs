//! Examples in an order that a seed determines: random streams, permutations, divisions, and batches
//! that are prepared ahead.

mod order;
mod prefetch;
mod random;
mod split;

pub use order::{Remainder, RngKey, cut, index_batches, permutation, training_lists};
pub use prefetch::{AHEAD, Prefetch};
pub use random::{Purpose, below, seeded_rng, shuffle, uniform};
pub use split::stratified;
