//! Clipping by the norm of all gradients together.

use std::{collections::BTreeMap, marker::PhantomData};

use burn::{
    module::{AutodiffModule, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Tensor, backend::AutodiffBackend},
};

use crate::sums::{column_sums, one_after_the_other};

/// Scales all gradients of `module` by `min(1, max_norm / (norm + 1e-6))`, where `norm` is the
/// Euclidean norm of all of them together, as PyTorch's `clip_grad_norm_` does.
///
/// Returns the gradients and the norm before clipping, `[1]`, or `None` when no parameter of the
/// module has a gradient. Nothing is read back to the host: a caller that logs the norm reads it
/// when it needs it. All parameters must be on one device. Gradients that belong to other modules
/// are left as they are.
pub fn clip_global_norm<B: AutodiffBackend, M: AutodiffModule<B>>(
    mut gradients: GradientsParams,
    module: &M,
    max_norm: f64,
) -> (GradientsParams, Option<Tensor<B::InnerBackend, 1>>) {
    let Some(norm) = global_norm(&gradients, module) else {
        return (gradients, None);
    };
    let factor = (norm.clone() + 1e-6)
        .recip()
        .mul_scalar(max_norm)
        .clamp_max(1.0);
    let mut scale = Scale::<B> {
        gradients: &mut gradients,
        factor,
        backend: PhantomData,
    };
    module.visit(&mut scale);
    (gradients, Some(norm))
}

/// Multiplies all gradients of `module` by a factor; a factor of 1 changes nothing.
pub fn scale_gradients<B: AutodiffBackend, M: AutodiffModule<B>>(
    mut gradients: GradientsParams,
    module: &M,
    factor: f64,
) -> GradientsParams {
    if factor != 1.0 {
        let device = module.devices().into_iter().next().unwrap_or_default();
        let mut scale = Scale::<B> {
            gradients: &mut gradients,
            factor: Tensor::full([1], factor, &device),
            backend: PhantomData,
        };
        module.visit(&mut scale);
    }
    gradients
}

/// The Euclidean norm of all gradients of `module` together, `[1]`, or `None` when no parameter of it
/// has one. All parameters must be on one device.
pub fn global_norm<B: AutodiffBackend, M: AutodiffModule<B>>(
    gradients: &GradientsParams,
    module: &M,
) -> Option<Tensor<B::InnerBackend, 1>> {
    let mut squares = SumOfSquares::<B> {
        gradients,
        columns: BTreeMap::new(),
    };
    module.visit(&mut squares);
    let sums = squares.columns.into_values().map(one_after_the_other);
    let sum = sums.reduce(|sum, columns| sum + columns);
    sum.map(Tensor::sqrt)
}

/// Most columns that the squares of a gradient are added up in.
const MOST_COLUMNS: usize = 1024;

struct SumOfSquares<'a, B: AutodiffBackend> {
    gradients: &'a GradientsParams,
    /// By the number of columns, of which each gradient has as many as it can in powers of two: so the
    /// order does not depend on the machine, and a gradient costs one sum on the device.
    columns: BTreeMap<usize, Tensor<B::InnerBackend, 1>>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for SumOfSquares<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.get::<B::InnerBackend, D>(param.id) {
            let count = gradient.shape().num_elements();
            let columns = (1 << count.trailing_zeros()).min(MOST_COLUMNS);
            let squares = (gradient.clone() * gradient).reshape([count]);
            let squares = column_sums(squares, columns);
            let sum = match self.columns.remove(&columns) {
                Some(sum) => sum + squares,
                None => squares,
            };
            self.columns.insert(columns, sum);
        }
    }
}

struct Scale<'a, B: AutodiffBackend> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<B::InnerBackend, 1>,
    backend: PhantomData<B>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Scale<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.remove::<B::InnerBackend, D>(param.id) {
            let factor = self.factor.clone().reshape([1; D]);
            self.gradients
                .register::<B::InnerBackend, D>(param.id, gradient * factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::{
        backend::Autodiff,
        module::{Module, ParamId},
        tensor::Distribution,
    };
    use burn_flex::Flex;

    type Backend = Autodiff<Flex>;

    #[derive(Module, Debug)]
    struct Pair<B: burn::tensor::backend::Backend> {
        /// `[2, 3]`
        matrix: Param<Tensor<B, 2>>,
        /// `[4]`
        vector: Param<Tensor<B, 1>>,
        /// `[1]`, never used, so without a gradient
        unused: Param<Tensor<B, 1>>,
    }

    /// The loss is `matrix . a + vector . b`, so the gradients are `a` and `b`.
    fn gradients_of(a: [[f32; 3]; 2], b: [f32; 4]) -> (Pair<Backend>, GradientsParams) {
        let device = Default::default();
        let pair = Pair {
            matrix: Param::from_tensor(Tensor::random([2, 3], Distribution::Default, &device)),
            vector: Param::from_tensor(Tensor::zeros([4], &device)),
            unused: Param::from_tensor(Tensor::zeros([1], &device)),
        };
        let loss = (pair.matrix.val() * Tensor::from_floats(a, &device)).sum()
            + (pair.vector.val() * Tensor::from_floats(b, &device)).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &pair);
        (pair, gradients)
    }

    const A: [[f32; 3]; 2] = [[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]];
    const B: [f32; 4] = [2.0, -0.25, 4.0, 1.0];

    fn read<const D: usize>(gradients: &GradientsParams, id: ParamId) -> Vec<f32> {
        gradients
            .get::<Flex, D>(id)
            .unwrap()
            .into_data()
            .to_vec()
            .unwrap()
    }

    fn oracle_norm() -> f64 {
        let all = A.iter().flatten().chain(&B);
        all.map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn a_larger_norm_scales_every_gradient_by_the_same_factor() {
        let (pair, gradients) = gradients_of(A, B);
        let (clipped, norm) = clip_global_norm(gradients, &pair, 2.0);
        assert!((f64::from(norm.unwrap().into_scalar()) - oracle_norm()).abs() < 1e-5);
        let factor = 2.0 / (oracle_norm() + 1e-6);
        let matrix = read::<2>(&clipped, pair.matrix.id);
        let vector = read::<1>(&clipped, pair.vector.id);
        for (actual, gradient) in matrix
            .iter()
            .chain(&vector)
            .zip(A.iter().flatten().chain(&B))
        {
            assert!((f64::from(*actual) - f64::from(*gradient) * factor).abs() < 1e-6);
        }
    }

    #[test]
    fn a_smaller_norm_leaves_the_gradients_alone() {
        let (pair, gradients) = gradients_of(A, B);
        let (clipped, _) = clip_global_norm(gradients, &pair, 100.0);
        assert_eq!(read::<1>(&clipped, pair.vector.id), B);
    }

    #[test]
    fn a_factor_multiplies_every_gradient() {
        let (pair, gradients) = gradients_of(A, B);
        let scaled = scale_gradients(gradients, &pair, 0.5);
        assert_eq!(read::<1>(&scaled, pair.vector.id), B.map(|g| g * 0.5));
        assert_eq!(read::<2>(&scaled, pair.matrix.id)[3], 1.5);
    }

    #[test]
    fn no_gradient_at_all_has_no_norm() {
        let (pair, _) = gradients_of(A, B);
        let (clipped, norm) = clip_global_norm(GradientsParams::new(), &pair, 1.0);
        assert!(norm.is_none() && clipped.is_empty());
    }
}
