//! Where the randomness comes from: an explicit key, or noise that the caller made.

pub(crate) mod gumbel;
mod key;
#[cfg(feature = "flex")]
pub(crate) mod lanes;
pub(crate) mod philox;
mod source;

pub use gumbel::gumbel;
pub use key::NoiseKey;
pub use philox::philox4x32;
pub use source::Noise;
