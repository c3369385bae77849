//! What predictions of words lose.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, backend::Backend};

use crate::problem::Score;

/// Mean cross-entropy `[1]` over all tokens, in nats, of word logits `[time, streams, words]` and the words
/// that follow `[time, streams]`.
pub fn token_loss<B: Backend>(logits: Tensor<B, 3>, targets: Tensor<B, 2, Int>) -> Tensor<B, 1> {
    let chosen = log_softmax(logits, 2).gather(2, targets.unsqueeze_dim(2));
    -chosen.mean()
}

/// What a batch adds to a score: loss times tokens, tokens, `[2]`. `loss` is their mean loss `[1]`.
pub fn token_sums<B: Backend>(loss: Tensor<B, 1>, tokens: usize) -> Tensor<B, 1> {
    let count = loss.full_like(tokens as f64);
    Tensor::cat(vec![loss * tokens as f64, count], 0)
}

/// The mean loss and the perplexity that [`token_sums`] add up to: exact over all tokens, whatever batches
/// they came in.
pub fn token_score(sums: &[f64]) -> Score {
    let &[loss, tokens] = sums else {
        return perplexity(f64::NAN);
    };
    perplexity(loss / tokens)
}

/// The score of a mean loss per token.
pub fn perplexity(loss: f64) -> Score {
    Score {
        loss,
        value: loss.exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[test]
    fn scores_weigh_every_token_alike() {
        let sums = |loss: f32, tokens| {
            let loss = Tensor::<Flex, 1>::from_floats([loss], &Default::default());
            token_sums(loss, tokens)
                .into_data()
                .iter::<f64>()
                .collect::<Vec<_>>()
        };
        let (first, second) = (sums(2.0, 30), sums(4.0, 10));
        let total: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
        let score = token_score(&total);
        assert_eq!(score.loss, 2.5);
        assert_eq!(score.value, 2.5_f64.exp());
        assert!(token_score(&[]).value.is_nan());
    }

    #[test]
    fn a_uniform_guess_loses_the_logarithm_of_the_words() {
        let device = Default::default();
        let logits = Tensor::<Flex, 3>::ones([2, 3, 5], &device);
        let targets = Tensor::<Flex, 2, Int>::from_data([[0, 4, 2], [1, 1, 3]], &device);
        let loss: f32 = token_loss(logits, targets).into_scalar();
        assert!((loss - 5_f32.ln()).abs() < 1e-6, "{loss}");
    }
}
