use burn::module::Param;
use burn::tensor::{Tensor, TensorData, backend::Backend};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws initial weights on the host from a seed, so that every backend starts from the same ones.
#[derive(Debug, Clone)]
pub struct WeightInit {
    rng: ChaCha8Rng,
}

impl WeightInit {
    /// A generator of initial weights for `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A parameter of `shape`, uniform in `-1/sqrt(fan_in) .. 1/sqrt(fan_in)`: PyTorch's default for
    /// convolutions and linear layers.
    pub fn uniform<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        fan_in: usize,
        device: &B::Device,
    ) -> Param<Tensor<B, D>> {
        self.uniform_within(shape, 1.0 / (fan_in.max(1) as f32).sqrt(), device)
    }

    /// A parameter of `shape`, uniform in `-bound..bound`; the bound is positive.
    pub fn uniform_within<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        bound: f32,
        device: &B::Device,
    ) -> Param<Tensor<B, D>> {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| self.rng.random_range(-bound..bound))
            .collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// A parameter of `shape`, normal with the given mean and standard deviation (Box-Muller).
    pub fn normal<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        mean: f64,
        deviation: f64,
        device: &B::Device,
    ) -> Param<Tensor<B, D>> {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
                let angle = std::f64::consts::TAU * self.rng.random::<f64>();
                (mean + deviation * radius * angle.cos()) as f32
            })
            .collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
    }
}
