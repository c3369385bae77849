//! Moving averages of weights.

use std::marker::PhantomData;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Tensor, backend::Backend},
};

/// Moves `average` towards `module` by one step of an exponential moving average:
/// `a <- d a + (1 - d) w` with `d = min(decay, (1 + step) / (10 + step))`, so that a short run is not
/// held back by its initial weights. `step` counts from 0.
///
/// Everything a module shows to a visitor is averaged, running statistics included: those of the
/// averaged network are the average of the trained network's, as is usual, and not statistics
/// measured under the averaged weights. Both modules must have the same parameter ids, which a clone
/// has; a parameter that `module` lacks stays as it is.
pub fn move_average<B: Backend, M: Module<B>>(average: M, module: &M, decay: f64, step: u64) -> M {
    let step = step as f64;
    let kept = decay.min((1.0 + step) / (10.0 + step));
    blend_average(average, module, kept)
}

/// `a <- kept a + (1 - kept) w`, of the same modules as [`move_average`].
pub fn blend_average<B: Backend, M: Module<B>>(average: M, module: &M, kept: f64) -> M {
    // A container that keeps tensors by their id; these are values, not gradients.
    let mut values = Collect::<B> {
        values: GradientsParams::new(),
        backend: PhantomData,
    };
    module.visit(&mut values);
    average.map(&mut Blend::<B> {
        values: values.values,
        kept,
        backend: PhantomData,
    })
}

struct Collect<B> {
    values: GradientsParams,
    backend: PhantomData<B>,
}

impl<B: Backend> ModuleVisitor<B> for Collect<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        self.values.register::<B, D>(param.id, param.val());
    }
}

struct Blend<B> {
    values: GradientsParams,
    kept: f64,
    backend: PhantomData<B>,
}

impl<B: Backend> ModuleMapper<B> for Blend<B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(new) = self.values.remove::<B, D>(param.id) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let blended = old * self.kept + new * (1.0 - self.kept);
        Param::from_mapped_value(id, blended, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[derive(Module, Debug)]
    struct Weights<B: Backend> {
        /// `[2]`
        w: Param<Tensor<B, 1>>,
    }

    fn set(mut weights: Weights<Flex>, values: [f32; 2]) -> Weights<Flex> {
        weights.w = weights.w.map(|w| Tensor::from_floats(values, &w.device()));
        weights
    }

    #[test]
    fn the_average_follows_its_formula_and_begins_quickly() {
        let start = Weights::<Flex> {
            w: Param::from_tensor(Tensor::from_floats([1.0, -2.0], &Default::default())),
        };
        let mut average = start.clone();
        let mut expected = [1.0, -2.0];
        let decay = 0.2;
        for step in 0..4_u8 {
            let values = [f32::from(step), 3.0 - f32::from(step)];
            average = move_average(average, &set(start.clone(), values), decay, step.into());
            // 1/10, 2/11 and then the decay itself.
            let d = [0.1, 2.0 / 11.0, decay, decay][usize::from(step)];
            for (expected, value) in expected.iter_mut().zip(values) {
                *expected = d * *expected + (1.0 - d) * f64::from(value);
            }
        }
        let found: Vec<f32> = average.w.val().into_data().to_vec().unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-6,
                "{found} {expected}"
            );
        }
        assert_eq!(
            start.w.val().into_data().to_vec::<f32>().unwrap(),
            [1.0, -2.0]
        );
    }
}
