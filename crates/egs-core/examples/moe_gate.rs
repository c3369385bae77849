//! A mixture-of-experts gate: every token is sent to at most two of eight linear experts.
//!
//! The tokens come from four groups, each with a linear map of its own. The gate sees the token
//! only, and learns which experts to use for it through the sampled code.

use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig},
    optim::{AdamConfig, GradientsParams, Optimizer},
    tensor::{Distribution, Tensor, TensorData, backend::Backend},
};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use egs_core::{
    CodeDistribution, Egs, EgsBackend, EgsConfig, NoiseKey, Normalization, probabilities,
};

const WIDTH: usize = 8;
const EXPERTS: usize = 8;
const DRAWS: usize = 2;
const GROUPS: usize = 4;
const TOKENS: usize = 256;
const STEPS: u64 = 300;

#[derive(Module, Debug)]
struct Mixture<B: Backend> {
    gate: Linear<B>,
    /// One matrix for each expert, `[experts, width, width]`.
    experts: Param<Tensor<B, 3>>,
}

impl<B: EgsBackend> Mixture<B> {
    fn new(device: &B::Device) -> Self {
        let spread = Distribution::Normal(0.0, 0.2);
        Self {
            gate: LinearConfig::new(WIDTH, EXPERTS).init(device),
            experts: Param::from_tensor(Tensor::random([EXPERTS, WIDTH, WIDTH], spread, device)),
        }
    }

    /// `[tokens, width]` to `[tokens, width]` and the code `[tokens, experts]`.
    fn forward(&self, tokens: Tensor<B, 2>, egs: &Egs, step: u64) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let logits = self.gate.forward(tokens.clone());
        let sample = egs
            .sample(logits, NoiseKey::new(7, step))
            .expect("there is at least one expert");
        let outputs = tokens.unsqueeze_dim::<3>(0).matmul(self.experts.val());
        let weights = sample.weights.transpose().unsqueeze_dim::<3>(2);
        ((outputs * weights).sum_dim(0).squeeze_dim(0), sample.code)
    }
}

/// Tokens around one centre for each group, and what the group's map makes of them.
fn data<B: Backend>(device: &B::Device) -> (Tensor<B, 2>, Tensor<B, 2>) {
    let normal = |deviation| Distribution::Normal(0.0, deviation);
    let (mut tokens, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..GROUPS {
        let centre = Tensor::<B, 2>::random([1, WIDTH], normal(2.0), device);
        let map = Tensor::<B, 2>::random([WIDTH, WIDTH], normal(0.5), device);
        let noise = Tensor::random([TOKENS / GROUPS, WIDTH], normal(0.5), device);
        let group = noise + centre;
        targets.push(group.clone().matmul(map));
        tokens.push(group);
    }
    (Tensor::cat(tokens, 0), Tensor::cat(targets, 0))
}

fn main() {
    type B = Autodiff<Flex>;
    let device = Default::default();
    B::seed(&device, 1);
    let (tokens, targets) = data::<B>(&device);
    let egs = EgsConfig::new(DRAWS)
        .with_normalization(Normalization::Sum)
        .init()
        .expect("the settings are valid");
    let mut model = Mixture::<B>::new(&device);
    let mut optimizer = AdamConfig::new().init();

    let mut losses = Vec::new();
    for step in 0..STEPS {
        let (outputs, code) = model.forward(tokens.clone(), &egs, step);
        let loss = (outputs - targets.clone()).powf_scalar(2.0).mean();
        let value = loss.clone().into_scalar();
        losses.push(value);
        if step % 100 == 0 || step + 1 == STEPS {
            let experts = code.sum().into_scalar() / TOKENS as f32;
            println!("step {step:3}: loss {value:.3}, {experts:.2} experts per token");
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.02, model, gradients);
    }

    let p = probabilities(model.gate.forward(tokens), Default::default());
    for group in 0..GROUPS {
        let rows = p
            .clone()
            .narrow(0, group * TOKENS / GROUPS, TOKENS / GROUPS);
        let data: TensorData = rows.mean_dim(0).into_data().convert::<f64>();
        let mean: Vec<f64> = data.to_vec().expect("the data are f64");
        let law = CodeDistribution::new(&mean, DRAWS).expect("a mean of distributions is one");
        let mode = law.mode();
        let chosen: Vec<usize> = (0..EXPERTS).filter(|&expert| mode[expert]).collect();
        println!("group {group}: most probable experts {chosen:?}");
    }
    let last = losses[losses.len() - 1];
    assert!(last < 0.3 * losses[0], "the gate did not learn: {last}");
}
