use serde::{Deserialize, Serialize};

/// Which gradient the sampled code passes to the logits.
///
/// All of them replace the derivative of a step function, so all are biased for the expectation of
/// a general loss; the `gradient_bias` example prints bias and variance of each against the exact
/// gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gradient {
    /// The published estimator: entry `k` passes its gradient to the relaxation of the *first*
    /// draw that picked it, or of the first draw when none did (then all are tied at 0).
    ///
    /// Bias: that of straight-through, growing as the temperature moves away from the loss's own
    /// scale; later draws that also picked `k` learn nothing.
    #[default]
    FirstDraw,
    /// Entry `k` passes its gradient in equal parts to all draws that are tied for it: those that
    /// picked it, or all when none did.
    ///
    /// Bias: that of straight-through, without the preference for early draws, hence the same in
    /// expectation for a code entry and less variable.
    TiedDraws,
    /// The gradient of the inclusion probability `1 - (1 - p_k)^M`, without noise or temperature.
    ///
    /// Bias: none when the loss is linear in the code; otherwise it ignores how the entries of a
    /// code depend on each other and takes the loss's slope at the sampled code.
    Marginal,
    /// Gumbel-Rao (Paulus, Maddison, Krause, "Rao-Blackwellizing the straight-through
    /// Gumbel-Softmax gradient estimator", ICLR 2021): the relaxation of each draw is averaged over
    /// noise that is resampled given the winner of that draw.
    ///
    /// Bias: exactly that of [`FirstDraw`](Self::FirstDraw), with a variance that is never larger
    /// in expectation and falls with the number of resamples. It needs seeded noise.
    GumbelRao {
        /// Number of conditional resamples, at least 1.
        resamples: u32,
    },
}

/// What a sample is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The binary code, with a straight-through gradient.
    #[default]
    Hard,
    /// The maximum of the relaxed draws, `max_m y_m`, in (0, 1], with its own gradient.
    Relaxed,
}
