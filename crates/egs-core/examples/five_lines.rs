//! A layer that learns which of its inputs to add up, in a plain Burn module.

use burn::{
    module::{Module, Param},
    tensor::{Distribution, Tensor, backend::Backend},
};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use egs_core::{EgsBackend, EgsConfig, EgsError, NoiseKey};

#[derive(Module, Debug)]
struct Choice<B: EgsBackend> {
    logits: Param<Tensor<B, 1>>,
}

impl<B: EgsBackend> Choice<B> {
    /// Adds up the columns that one code switches on: `[batch, ops]` to `[batch, 1]`.
    fn forward(&self, columns: Tensor<B, 2>, step: u64) -> Result<Tensor<B, 2>, EgsError> {
        let egs = EgsConfig::new(3).with_temperature(0.5).init()?;
        let sample = egs.sample(self.logits.val(), NoiseKey::new(42, step))?;
        Ok((columns * sample.weights.unsqueeze()).sum_dim(1))
    }
}

fn main() -> Result<(), EgsError> {
    type B = Autodiff<Flex>;
    let device = Default::default();
    B::seed(&device, 1);
    let choice = Choice::<B> {
        logits: Param::from_tensor(Tensor::zeros([6], &device)),
    };
    let columns = Tensor::random([32, 6], Distribution::Default, &device);
    let gradients = choice.forward(columns, 0)?.sum().backward();
    let gradient = choice
        .logits
        .grad(&gradients)
        .expect("the logits are tracked");
    println!("gradient of the logits: {:.3}", gradient.into_data());
    Ok(())
}
