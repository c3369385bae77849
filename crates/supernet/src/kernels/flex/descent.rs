//! Steps of gradient descent, in place where nobody else has the tensors.

use burn_flex::FlexTensor;

use super::elementwise::CHUNK;
use super::memory::{in_order, rewrite, values};
use crate::kernels::Descent;

/// Weight and velocity after a step. Each operation is rounded, as it is where they follow each other.
pub(super) fn descend(
    weight: FlexTensor,
    gradient: FlexTensor,
    velocity: Option<FlexTensor>,
    descent: Descent,
) -> [FlexTensor; 2] {
    let [rate, decay, momentum] =
        [descent.rate, descent.decay, descent.momentum].map(|factor| factor as f32);
    let weight = in_order(weight);
    let weights = values(&weight);
    let velocity = match velocity {
        Some(velocity) => {
            let gradient = gradient.to_contiguous();
            let gradients = values(&gradient);
            rewrite(velocity, CHUNK, |index, part| {
                let (weights, gradients) = (&weights[index * CHUNK..], &gradients[index * CHUNK..]);
                for ((velocity, weight), gradient) in part.iter_mut().zip(weights).zip(gradients) {
                    *velocity = (gradient + weight * decay) + *velocity * momentum;
                }
            })
        }
        None => rewrite(gradient, CHUNK, |index, part| {
            for (gradient, weight) in part.iter_mut().zip(&weights[index * CHUNK..]) {
                *gradient += weight * decay;
            }
        }),
    };
    let velocities = values(&velocity);
    let weight = rewrite(weight, CHUNK, |index, part| {
        for (weight, velocity) in part.iter_mut().zip(&velocities[index * CHUNK..]) {
            *weight -= velocity * rate;
        }
    });
    [weight, velocity]
}
