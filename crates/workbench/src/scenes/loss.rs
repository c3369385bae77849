//! What the logits of pixels lose, and which classes they are taken for.

use burn::tensor::activation::log_softmax;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, backend::Backend};

use super::IGNORED;
use crate::sums;

/// Mean cross-entropy `[1]` over the pixels that count, of class logits `[batch, classes, height, width]`
/// and masks `[batch, height, width]`; 0, with a gradient of 0, where none counts. With a weight for each class
/// the mean is weighted by the one of each pixel's class.
///
/// The gradient is given in closed form, so that of all that is computed over the logits one tensor of
/// their size is kept for it.
pub fn pixel_cross_entropy<B: Backend>(
    logits: Tensor<B, 4>,
    masks: Tensor<B, 3, Int>,
    class_weights: Option<&[f32]>,
) -> Tensor<B, 1> {
    let [batch, classes, height, width] = logits.dims();
    let pixels = height * width;
    let rows = logits.clone().detach().reshape([batch, classes, pixels]);
    let likelihoods = log_softmax(rows, 1);
    let targets = masks.reshape([batch, 1, pixels]);
    let ignored = targets.clone().equal_elem(IGNORED);
    // Any class will do where none counts.
    let targets = targets.mask_fill(ignored.clone(), 0);
    let mut counted = ignored.bool_not().float();
    if let Some(weights) = class_weights {
        let weights = Tensor::<B, 1>::from_data(weights, &targets.device());
        let of_pixels = weights.select(0, targets.clone().reshape([batch * pixels]));
        counted = counted * of_pixels.reshape([batch, 1, pixels]);
    }
    // Not the sum of nothing, which would be divided by.
    let all = sums::sum(counted.clone()).clamp_min(f32::MIN_POSITIVE);
    let shares = counted / all.unsqueeze();
    let loss = -sums::sum(likelihoods.clone().gather(1, targets.clone()) * shares.clone());

    let expected = likelihoods.exp() * shares.clone();
    let gradient = expected.scatter(1, targets, -shares, IndexingUpdateOp::Add);
    let gradient = gradient.reshape([batch, classes, height, width]);
    // Its value is taken away again: only its derivative is wanted.
    let carrier = (logits * gradient).sum();
    loss + (carrier.clone() - carrier.detach())
}

/// At most so many values are compared at once when pixels are counted.
const TOGETHER: usize = 1 << 24;

/// How many pixels of each class are taken for each, `[classes * classes]` by the true class and the one
/// answered: of answers and masks, both `[batch, height, width]`. Pixels whose mask is no class are left out.
///
/// Counts are exact up to 2^24 pixels.
pub fn pixel_counts<B: Backend>(
    answered: Tensor<B, 3, Int>,
    masks: Tensor<B, 3, Int>,
    classes: usize,
) -> Tensor<B, 1> {
    let [_, height, width] = masks.dims();
    let none = Tensor::zeros([classes; 2], &masks.device());
    let images = (TOGETHER / (classes * height * width).max(1)).max(1);
    let parts = masks.split(images, 0).into_iter();
    let counts = parts
        .zip(answered.split(images, 0))
        .fold(none, |counts, (masks, answered)| {
            let truth = is_class(masks, classes);
            counts + truth.matmul(is_class(answered, classes).transpose())
        });
    counts.reshape([classes * classes])
}

/// `[classes, pixels]`: 1 where a pixel is of the class.
fn is_class<B: Backend>(pixels: Tensor<B, 3, Int>, classes: usize) -> Tensor<B, 2> {
    let (count, device) = (pixels.shape().num_elements(), pixels.device());
    let shape = [classes, count];
    let class = Tensor::<B, 1, Int>::arange(0..classes as i64, &device);
    let class = class.reshape([classes, 1]).expand(shape);
    let pixels = pixels.reshape([1, count]).expand(shape);
    pixels.equal(class).float()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_flex::Flex;

    type Train = Autodiff<Flex>;

    fn gradient(
        logits: [[[[f32; 2]; 1]; 3]; 1],
        mask: [[[i32; 2]; 1]; 1],
        class_weights: Option<&[f32]>,
    ) -> (f32, Vec<f32>) {
        let device = Default::default();
        let logits = Tensor::<Train, 4>::from_data(logits, &device).require_grad();
        let masks = Tensor::from_data(mask, &device);
        let loss = pixel_cross_entropy(logits.clone(), masks, class_weights);
        let gradients = (loss.clone() * 2.0).backward();
        let gradient = logits.grad(&gradients).unwrap().into_data();
        (loss.into_scalar(), gradient.to_vec().unwrap())
    }

    const LOGITS: [[[[f32; 2]; 1]; 3]; 1] = [[[[1.0, 50.0]], [[3.0, -7.0]], [[2.0, 0.0]]]];

    #[test]
    fn a_pixel_that_does_not_count_changes_nothing() {
        let sum = 1f32.exp() + 2f32.exp() + 3f32.exp();
        let (loss, gradient) = gradient(LOGITS, [[[1, 255]]], None);
        assert!((loss - (sum.ln() - 3.0)).abs() < 1e-6, "{loss}");
        let share = |value: f32| 2.0 * value.exp() / sum;
        let expected = [share(1.0), 0.0, share(3.0) - 2.0, 0.0, share(2.0), 0.0];
        for (found, expected) in gradient.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{gradient:?}");
        }
    }

    #[test]
    fn without_a_pixel_that_counts_there_is_no_loss() {
        for class_weights in [None, Some([0.5, 2.0, 1.0].as_slice())] {
            let (loss, gradient) = gradient(LOGITS, [[[255, 255]]], class_weights);
            assert_eq!((loss, gradient), (0.0, vec![0.0; 6]));
        }
        // Nor where all that there is counts for nothing.
        let (loss, gradient) = gradient(LOGITS, [[[1, 255]]], Some(&[1.0, 0.0, 1.0]));
        assert_eq!((loss, gradient), (0.0, vec![0.0; 6]));
    }

    #[test]
    fn pixels_count_by_the_weight_of_their_class() {
        let logits = [[[[0.5, -1.0]], [[1.5, 0.25]], [[0.0, 2.0]]]];
        let alone = |mask| gradient(logits, mask, None);
        let (first, second) = (alone([[[1, 255]]]), alone([[[255, 0]]]));
        let (loss, gradient) = gradient(logits, [[[1, 0]]], Some(&[3e-3, 1e-3, 7.0]));
        let mixed = |first: f32, second: f32| 0.25 * first + 0.75 * second;
        assert!((loss - mixed(first.0, second.0)).abs() < 1e-6, "{loss}");
        let expected = first.1.iter().zip(&second.1);
        for (found, (&first, &second)) in gradient.iter().zip(expected) {
            assert!((found - mixed(first, second)).abs() < 1e-6, "{gradient:?}");
        }
    }

    #[test]
    fn pixels_are_counted_by_both_classes() {
        let device = Default::default();
        let masks = Tensor::<Flex, 3, Int>::from_data([[[0, 1, 2], [2, 255, 2]]], &device);
        let answered = Tensor::from_data([[[0, 0, 2], [1, 2, 2]]], &device);
        let counts = pixel_counts(answered, masks, 3).into_data();
        let expected = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 2.0];
        assert_eq!(counts.to_vec::<f32>().unwrap(), expected);
    }
}
