//! What class logits lose and get wrong.

use burn::tensor::{Int, Tensor, backend::Backend};

use crate::problem::Score;
use crate::sums;

/// Mean cross-entropy `[1]` of class logits `[batch, classes]` and labels `[batch]`.
pub fn cross_entropy<B: Backend>(logits: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let chosen = sums::log_softmax(logits).gather(1, labels.unsqueeze_dim(1));
    -sums::mean(chosen)
}

/// Mean cross-entropy `[1]` against labels of which each gives the share `smoothing` to all classes
/// evenly (Szegedy et al. 2016): `(1 - s) ce(label) + s mean over classes of ce(class)`. Shapes are
/// those of [`cross_entropy`].
pub fn smoothed_cross_entropy<B: Backend>(
    logits: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
    smoothing: f64,
) -> Tensor<B, 1> {
    if smoothing == 0.0 {
        return cross_entropy(logits, labels);
    }
    let log_probabilities = sums::log_softmax(logits);
    let chosen = log_probabilities.clone().gather(1, labels.unsqueeze_dim(1));
    -(sums::mean(chosen) * (1.0 - smoothing) + sums::mean(log_probabilities) * smoothing)
}

/// Number of images `[1]` whose largest logit `[batch, classes]` is not their label `[batch]`.
pub fn mistakes<B: Backend>(logits: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let predicted = logits.argmax(1).flatten::<1>(0, 1);
    predicted.not_equal(labels).float().sum()
}

/// What classifications of a batch add to a score: loss times examples, mistakes, examples, `[3]`. `loss`
/// is their mean loss `[1]`, `logits` `[batch, classes]`, `labels` `[batch]`.
pub fn class_sums<B: Backend>(
    logits: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
    loss: Tensor<B, 1>,
) -> Tensor<B, 1> {
    let examples = labels.dims()[0] as f64;
    let count = loss.full_like(examples);
    Tensor::cat(vec![loss * examples, mistakes(logits, labels), count], 0)
}

/// The mean loss and the error, in percent, that [`class_sums`] add up to.
pub fn class_score(sums: &[f64]) -> Score {
    let &[loss, wrong, examples] = sums else {
        return Score {
            loss: f64::NAN,
            value: f64::NAN,
        };
    };
    Score {
        loss: loss / examples,
        value: 100.0 * wrong / examples,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[test]
    fn cross_entropy_and_mistakes_have_their_textbook_values() {
        let device = Default::default();
        let logits = Tensor::<Flex, 2>::from_data([[0.0, 0.0, 0.0], [1.0, 3.0, 2.0]], &device);
        let labels = Tensor::<Flex, 1, Int>::from_data([2, 1], &device);
        let second = -(3f32.exp() / (1f32.exp() + 2f32.exp() + 3f32.exp())).ln();
        let expected = (3f32.ln() + second) / 2.0;
        let loss: f32 = cross_entropy(logits.clone(), labels.clone()).into_scalar();
        assert!((loss - expected).abs() < 1e-6);
        assert_eq!(mistakes(logits, labels).into_scalar(), 1.0);
    }

    #[test]
    fn label_smoothing_follows_its_formula() {
        let device = Default::default();
        let rows = [[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, 2.0, -2.0]];
        let labels = [2, 0];
        let smoothing = 0.1;
        let mut expected = 0.0;
        for (row, label) in rows.iter().zip(labels) {
            let total: f64 = row.iter().map(|x: &f64| x.exp()).sum();
            for (class, logit) in row.iter().enumerate() {
                let target = smoothing / 4.0 + if class == label { 1.0 - smoothing } else { 0.0 };
                expected -= target * (logit - total.ln()) / 2.0;
            }
        }
        let logits = || Tensor::<Flex, 2>::from_data(rows, &device);
        let targets = || Tensor::<Flex, 1, Int>::from_data([2, 0], &device);
        let loss: f32 = smoothed_cross_entropy(logits(), targets(), smoothing).into_scalar();
        assert!(
            (f64::from(loss) - expected).abs() < 1e-6,
            "{loss} {expected}"
        );
        let plain: f32 = smoothed_cross_entropy(logits(), targets(), 0.0).into_scalar();
        assert_eq!(plain, cross_entropy(logits(), targets()).into_scalar());
    }
}
