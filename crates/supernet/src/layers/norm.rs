//! Batch normalisation with an explicit mode.
//!
//! Burn 0.21's layer takes its mode from the backend and shares its running statistics between
//! clones; a sampled child must be scored with statistics that are its own.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor, backend::Backend};

use super::{DepthwiseConv2d, PointwiseConv2d, RunningTensor, TensorName, in_f32};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::{self, BatchNormOutput, InputActivation, KernelBackend};

/// Which statistics a forward pass normalises with, and what becomes of the running ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistics {
    /// Normalise with the batch's statistics and leave the running ones alone.
    Batch,
    /// Normalise with the batch's statistics and move the running ones towards them by `momentum`
    /// (PyTorch's convention, default 0.1). Passing `1/k` at the `k`-th batch makes the running
    /// statistics the average over the batches seen.
    Update {
        /// Share of the batch in the new running statistics, 0 to 1.
        momentum: f64,
    },
    /// Normalise with the running statistics.
    Running,
}

impl Statistics {
    /// The update of ordinary training, momentum 0.1.
    pub const TRAIN: Statistics = Statistics::Update { momentum: 0.1 };

    /// The same normalisation without touching the running statistics.
    pub fn without_update(self) -> Self {
        match self {
            Statistics::Update { .. } => Statistics::Batch,
            other => other,
        }
    }
}

/// Scale and shift of a normalised channel.
#[derive(Module, Debug)]
pub struct Affine<B: Backend> {
    /// Scale `[channels]`, 1 at first.
    pub gamma: Param<Tensor<B, 1>>,
    /// Shift `[channels]`, 0 at first.
    pub beta: Param<Tensor<B, 1>>,
}

/// Batch normalisation over batch, height and width (Ioffe & Szegedy 2015), with or without affine
/// parameters and running statistics; the mode is an argument of every call.
#[derive(Module, Debug)]
pub struct BatchNorm<B: Backend> {
    affine: Option<Affine<B>>,
    running_mean: Option<RunningTensor<B>>,
    running_variance: Option<RunningTensor<B>>,
}

impl<B: Backend> BatchNorm<B> {
    /// Added to the variance; PyTorch's default.
    pub const EPSILON: f64 = 1e-5;

    /// A layer for `channels` channels that keeps running statistics, without affine parameters.
    pub fn new(channels: usize, device: &B::Device) -> Self {
        Self {
            affine: None,
            running_mean: Some(RunningTensor::new(Tensor::zeros([channels], device))),
            running_variance: Some(RunningTensor::new(Tensor::ones([channels], device))),
        }
    }

    /// The same as [`new`](Self::new), with affine parameters that change nothing at first.
    pub fn affine(channels: usize, device: &B::Device) -> Self {
        Self {
            affine: Some(Affine {
                gamma: Param::from_tensor(Tensor::ones([channels], device)),
                beta: Param::from_tensor(Tensor::zeros([channels], device)),
            }),
            ..Self::new(channels, device)
        }
    }

    /// The same layer without running statistics: it always normalises with the batch's, whatever
    /// mode is asked for.
    pub fn without_running(mut self) -> Self {
        self.running_mean = None;
        self.running_variance = None;
        self
    }

    /// Running mean and (unbiased) variance, each `[channels]`, if the layer keeps them.
    pub fn running(&self) -> Option<(Tensor<B, 1>, Tensor<B, 1>)> {
        let mean = self.running_mean.as_ref()?.value();
        let variance = self.running_variance.as_ref()?.value();
        Some((mean, variance))
    }
}

impl<B: Backend> BatchNorm<B> {
    /// With running statistics.
    pub(crate) fn describe(&self, graph: &mut GraphBuilder, x: Value) -> Value {
        let affine = self.affine.as_ref();
        let affine = affine.map(|affine| [affine.gamma.id, affine.beta.id]);
        let running = [&self.running_mean, &self.running_variance];
        let running = match running.map(|tensor| tensor.as_ref().map(RunningTensor::id)) {
            [Some(mean), Some(variance)] => Some([mean, variance]),
            _ => None,
        };
        graph.normalisation(x, affine, running, Self::EPSILON)
    }
}

/// Values `[batch, channels, height, width]` whose scale and shift, if they have any, are left to what reads
/// them.
pub(crate) struct Scaled<'a, B: Backend> {
    pub(crate) values: Tensor<B, 4>,
    pub(crate) affine: Option<&'a Affine<B>>,
}

impl<B: Backend> Scaled<'_, B> {
    /// Values as they are.
    pub(crate) fn plain(values: Tensor<B, 4>) -> Self {
        Self {
            values,
            affine: None,
        }
    }
}

impl<B: KernelBackend> Scaled<'_, B> {
    /// `sum + factor * values`, these being scaled and shifted, with a factor for each image.
    pub(crate) fn added_to(
        self,
        sum: Option<Tensor<B, 4>>,
        factors: Option<&[f32]>,
    ) -> Tensor<B, 4> {
        if sum.is_none() && factors.is_none() {
            return self.applied();
        }
        let affine = self
            .affine
            .map(|affine| [affine.gamma.val(), affine.beta.val()]);
        kernels::add_scaled(sum, self.values, affine, factors)
    }

    /// The values, scaled and shifted.
    pub(crate) fn applied(self) -> Tensor<B, 4> {
        match self.affine {
            Some(affine) => {
                kernels::scale_channels(self.values, affine.gamma.val(), affine.beta.val())
            }
            None => self.values,
        }
    }
}

impl<B: KernelBackend> BatchNorm<B> {
    /// An activation, depthwise convolution if there is one, pointwise convolution and this normalisation.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height_out, width_out]`
    pub(crate) fn block(
        &self,
        input: Scaled<'_, B>,
        activation: InputActivation,
        depthwise: Option<&DepthwiseConv2d<B>>,
        pointwise: &PointwiseConv2d<B>,
        statistics: Statistics,
    ) -> Scaled<'_, B> {
        let running = statistics == Statistics::Running && self.running_mean.is_some();
        // The operation normalises with the batch's statistics, and in the type it convolves in.
        if running || input.values.dtype() != DType::F32 {
            let input = input.applied();
            let filtered = match (depthwise, activation) {
                (Some(depthwise), _) => depthwise.forward_activated(input, activation),
                (None, InputActivation::Relu) => kernels::rectify(input),
                (None, InputActivation::Identity) => input,
            };
            return Scaled::plain(self.forward(pointwise.forward(filtered), statistics));
        }
        let affine = input.affine;
        let out = kernels::conv_block(
            input.values,
            affine.map(|affine| [affine.gamma.val(), affine.beta.val()]),
            activation,
            depthwise.map(DepthwiseConv2d::filters),
            pointwise.weight.val(),
            Self::EPSILON,
        );
        self.observe(&out, statistics);
        Scaled {
            values: out.output,
            affine: self.affine.as_ref(),
        }
    }

    /// Moves the running statistics, where there are any and the mode says so.
    fn observe(&self, out: &BatchNormOutput<B>, statistics: Statistics) {
        let [batch, _, height, width] = out.output.dims();
        if let (Statistics::Update { momentum }, Some(running)) = (statistics, self.running()) {
            let (mean, variance) = (out.mean.clone(), out.variance.clone());
            self.update(running, mean, variance, momentum, batch * height * width);
        }
    }

    /// Normalises each channel, in f32 whatever the input is computed in.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, channels, height, width]`
    pub fn forward(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
        self.scaled(x, statistics).applied()
    }

    /// [`forward`](Self::forward), scale and shift being left to what reads it.
    pub(crate) fn scaled(&self, x: Tensor<B, 4>, statistics: Statistics) -> Scaled<'_, B> {
        let dtype = x.dtype();
        let x = in_f32(x);
        let normalised = match (statistics, self.running()) {
            (Statistics::Running, Some((mean, variance))) => {
                let scale = (variance + Self::EPSILON).sqrt().recip();
                let shift = -mean * scale.clone();
                kernels::scale_channels(x, scale, shift)
            }
            _ => {
                let out = kernels::batch_norm(x, Self::EPSILON);
                self.observe(&out, statistics);
                out.output
            }
        };
        let output = Scaled {
            values: normalised,
            affine: self.affine.as_ref(),
        };
        if dtype == DType::F32 {
            output
        } else {
            Scaled::plain(output.applied().cast(dtype))
        }
    }

    /// Moves the running statistics by the mean and the biased variance, each `[channels]`, of several
    /// batches of `count` values a channel, one after the other.
    pub(crate) fn update_by_all(
        &self,
        statistics: &[[Tensor<B, 1>; 2]],
        momentum: f64,
        count: usize,
    ) {
        // One after the other, the first of n batches keeps a share of (1 - momentum)^(n - 1).
        let sum = |index: usize| {
            let rest = statistics.iter().map(|pair| pair[index].clone());
            rest.reduce(|sum, next| sum * (1.0 - momentum) + next)
        };
        let shrink = (1.0 - momentum).powi(statistics.len() as i32);
        if let (Some((mean, variance)), Some(new_mean), Some(new_variance)) =
            (self.running(), sum(0), sum(1))
        {
            // What one update with the momentum `1 - shrink` moves them to.
            let share = momentum / (1.0 - shrink);
            let old = (mean, variance);
            self.update(
                old,
                new_mean * share,
                new_variance * share,
                1.0 - shrink,
                count,
            );
        }
    }

    fn update(
        &self,
        (old_mean, old_variance): (Tensor<B, 1>, Tensor<B, 1>),
        mean: Tensor<B, 1>,
        variance: Tensor<B, 1>,
        momentum: f64,
        count: usize,
    ) {
        let old = [old_mean, old_variance];
        let [mean, variance] = kernels::move_statistics(old, [mean, variance], momentum, count);
        if let (Some(running_mean), Some(running_variance)) =
            (&self.running_mean, &self.running_variance)
        {
            running_mean.set(mean);
            running_variance.set(variance);
        }
    }
}

/// The tensors of a normalisation in PyTorch's layer of that kind at `place`.
pub(crate) fn norm_name(place: &str, path: &[&str]) -> Option<TensorName> {
    let leaf = match path {
        ["affine", "gamma"] => "weight",
        ["affine", "beta"] => "bias",
        ["running_mean"] => "running_mean",
        ["running_variance"] => "running_var",
        _ => return None,
    };
    Some(TensorName::new(format!("{place}.{leaf}")))
}
