use std::marker::PhantomData;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{
    Tensor,
    backend::{AutodiffBackend, Backend},
};
use supernet::{Architecture, Statistics, TrainBackend, Trained};
use workbench::optim::global_norm;

use crate::{AlternatingStep, BatchOf, Pass, SearchError, SearchState, TrainTask};

/// The gradient of the logits one weight step ahead (Liu et al. 2019, section 2.3, equations 7 and
/// 8): with `w' = w - xi dL_train/dw`, of which the optimiser's momentum and decay are part as in
/// the published code,
///
/// ```text
/// dL_val(w', alpha)/dalpha - xi (dL_train(w+, alpha)/dalpha - dL_train(w-, alpha)/dalpha) / 2 eps
/// w+- = w +- eps dL_val(w', alpha)/dw',   eps = 0.01 / norm of dL_val(w', alpha)/dw'
/// ```
///
/// `xi` is the learning rate of the weights. Nothing here moves weights or running statistics. Also
/// returned is `L_val(w', alpha)`, `[1]`.
///
/// # Errors
///
/// The estimator's own.
pub(crate) fn look_ahead<B: TrainBackend, T: TrainTask<B>>(
    step: &AlternatingStep<'_, T>,
    state: &mut SearchState<B, T>,
    weight_batch: &BatchOf<T, B>,
    logit_batch: &BatchOf<T, B>,
) -> Result<(GradientsParams, Tensor<B::InnerBackend, 1>), SearchError> {
    let objective = &step.objective;
    // The weight batch is seen again by the weight step, which starts from the same carry.
    let carry = state.carries.weights.clone();
    let loss = |supernet: &T::Supernet<B>, architecture: &Architecture<B>, trained| {
        let pass = without_update(objective.pass(trained));
        let evaluated =
            objective.evaluate(supernet, architecture, weight_batch, carry.clone(), pass)?;
        Ok::<_, SearchError>(evaluated.objective)
    };
    let constant = state.architecture.clone().no_grad();
    let train = loss(&state.supernet, &constant, Trained::Weights)?;
    let gradients = GradientsParams::from_grads(train.backward(), &state.supernet);
    let mut optimizer = state.weight_optimizer.clone();
    let learning_rate = step.learning_rate_for(weight_batch);
    let ahead = optimizer.step(learning_rate, state.supernet.clone(), gradients);

    let pass = without_update(objective.pass(Trained::Logits));
    let carried = state.carries.logits.clone();
    let validation = objective.evaluate(&ahead, &state.architecture, logit_batch, carried, pass)?;
    state.carries.logits = validation.carry;
    let value = validation.objective.clone().inner();
    let mut gradients = validation.objective.backward();
    let direction = GradientsParams::from_module(&mut gradients, &ahead);
    let direct = GradientsParams::from_module(&mut gradients, &state.architecture);

    let norm = global_norm(&direction, &ahead).map_or(0.0, scalar);
    if norm <= 0.0 {
        return Ok((direct, value));
    }
    let epsilon = 0.01 / norm;
    let shifted = |scale| {
        let frozen = state.supernet.clone().no_grad();
        let moved = frozen.map(&mut Shift::<B> {
            direction: &direction,
            scale,
            backend: PhantomData,
        });
        let train = loss(&moved, &state.architecture, Trained::Logits)?;
        let gradients = GradientsParams::from_grads(train.backward(), &state.architecture);
        Ok::<_, SearchError>(gradients)
    };
    let (above, below) = (shifted(epsilon)?, shifted(-epsilon)?);
    let factor = learning_rate / (2.0 * epsilon);
    let mut total = GradientsParams::new();
    let id = state.architecture.logits.id;
    let of = |gradients: &GradientsParams| gradients.get::<B::InnerBackend, 3>(id);
    if let (Some(direct), Some(above), Some(below)) = (of(&direct), of(&above), of(&below)) {
        total.register::<B::InnerBackend, 3>(id, direct - (above - below) * factor);
    }
    Ok((total, value))
}

/// The same pass, leaving running statistics alone.
fn without_update(mut pass: Pass) -> Pass {
    pass.mode.statistics = Statistics::Batch;
    pass
}

/// Moves every parameter by `scale` times its gradient and makes it a constant.
struct Shift<'a, B: AutodiffBackend> {
    direction: &'a GradientsParams,
    scale: f64,
    backend: PhantomData<B>,
}

impl<B: AutodiffBackend> ModuleMapper<B> for Shift<'_, B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(direction) = self.direction.get::<B::InnerBackend, D>(param.id) else {
            return param;
        };
        let (id, value, mapper) = param.consume();
        let moved = Tensor::from_inner(value.inner() + direction * self.scale);
        Param::from_mapped_value(id, moved, mapper)
    }
}

fn scalar<B: Backend>(value: Tensor<B, 1>) -> f64 {
    value.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ImageTask;
    use crate::{Objective, SearchConfig, Task};
    use burn::backend::Autodiff;
    use burn_flex::Flex;
    use workbench::images::{Batch, DatasetId, load};
    use workbench::stream::RngKey;

    type Train = Autodiff<Flex>;
    type State = SearchState<Train, ImageTask>;

    /// `L_val(w - xi dL_train(w, alpha)/dw, alpha)` by what it says.
    fn bilevel(
        step: &AlternatingStep<'_, ImageTask>,
        state: &State,
        architecture: &Architecture<Train>,
        [train, validation]: &[Batch<Train>; 2],
    ) -> f64 {
        let pass = without_update(step.objective.pass(Trained::Weights));
        let constant = architecture.clone().no_grad();
        let loss = |supernet, batch| {
            let evaluated = step
                .objective
                .evaluate(supernet, &constant, batch, (), pass);
            evaluated.unwrap().objective
        };
        let loss_train = loss(&state.supernet, train);
        let direction = GradientsParams::from_grads(loss_train.backward(), &state.supernet);
        let ahead = state.supernet.clone().no_grad().map(&mut Shift::<Train> {
            direction: &direction,
            scale: -step.learning_rate,
            backend: PhantomData,
        });
        scalar(loss(&ahead, validation).inner())
    }

    fn moved(tensor: &Param<Tensor<Train, 3>>, entry: usize, by: f32) -> Param<Tensor<Train, 3>> {
        let mut data = tensor.val().into_data();
        data.as_mut_slice::<f32>().unwrap()[entry] += by;
        Param::initialized(
            tensor.id,
            Tensor::from_data(data, &Default::default()).require_grad(),
        )
    }

    fn batch(from: usize) -> Batch<Train> {
        let indices: Vec<_> = (from..from + 24).collect();
        let key = RngKey { seed: 0, epoch: 0 };
        let images = load(DatasetId::Digits, None).unwrap().train;
        images.batch::<Train>(&indices, None, key, &Default::default())
    }

    #[test]
    fn it_is_the_gradient_through_the_weight_step() {
        let set = [
            "search.method=darts",
            "alpha.second_order=true",
            "network.cells=1",
            "network.channels=2",
            "space.nodes=1",
            "space.operations=[\"avg_pool_3x3\",\"skip_connect\",\"sep_conv_3x3\"]",
            "weights.momentum=0.0",
            "weights.weight_decay=0.0",
        ];
        let config = SearchConfig::resolve(None, &set.map(String::from)).unwrap();
        let device = Default::default();
        let (task, problem) = ImageTask::open(&config).unwrap();
        let mut state = State::new(&config, &task, &device).unwrap();
        let batches = [batch(0), batch(24)];
        let step = AlternatingStep {
            objective: Objective {
                config: &config,
                task: &task,
                problem: &problem,
                index: 0,
                temperature: 1.0,
            },
            learning_rate: 0.5,
        };
        let [train, validation] = &batches;
        let (gradients, value) = look_ahead(&step, &mut state, train, validation).unwrap();
        let expected = bilevel(&step, &state, &state.architecture, &batches);
        assert!((scalar(value) - expected).abs() < 1e-5);

        // One cell reduces, so the logits of the reduction cell, the second table, are the ones that
        // matter.
        let logits = &state.architecture.logits;
        let entries = logits.shape().num_elements();
        let reduction = entries / 2..entries;
        let read = |gradients: &GradientsParams| -> Vec<f64> {
            let gradient = gradients.get::<Flex, 3>(logits.id).unwrap();
            gradient.into_data().iter::<f64>().collect()
        };
        let second = read(&gradients);
        let (mut error, mut first_order_error) = (0.0, 0.0);
        let pass = step.objective.pass(Trained::Logits);
        let evaluated =
            step.objective
                .evaluate(&state.supernet, &state.architecture, validation, (), pass);
        let first = read(&GradientsParams::from_grads(
            evaluated.unwrap().objective.backward(),
            &state.architecture,
        ));
        for entry in reduction {
            let at = |by: f32| {
                let mut architecture = state.architecture.clone();
                architecture.logits = moved(logits, entry, by);
                bilevel(&step, &state, &architecture, &batches)
            };
            let expected = (at(0.03) - at(-0.03)) / 0.06;
            error += (second[entry] - expected).powi(2);
            first_order_error += (first[entry] - expected).powi(2);
        }
        assert!(
            error < 0.05_f64.powi(2) * first_order_error,
            "{error:e}, of first order {first_order_error:e}"
        );
    }
}
