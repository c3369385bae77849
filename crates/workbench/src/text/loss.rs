//! What predictions of words lose.

use burn::tensor::{Tensor, backend::Backend};

use crate::problem::Score;
use crate::sums;

/// Mean cross-entropy `[1]` over all tokens, in nats, of the log-likelihoods `[time, streams]` of the words
/// that follow.
pub fn token_loss<B: Backend>(likelihoods: Tensor<B, 2>) -> Tensor<B, 1> {
    -sums::mean(likelihoods)
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
}
