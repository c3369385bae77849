use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};
use supernet::TrainBackend;
use workbench::precision::take_statistics;
use workbench::problem::{Phase, Problem};
use workbench::training::PassOutput;

use crate::TrainRecipe;
use crate::recipe::{Answered, BatchOf, PassContext};

/// A pass of a training step: what it leaves of the model, whose running statistics may have moved, with
/// its gradients and sums, and what is carried to the next step.
///
/// Gradients are those of the problem's loss and the recipe's penalty, times `share`, the share of the
/// batch's examples in their step, and the precision's loss scale; those of all passes of a step add up
/// to the gradients of the step. The sums are of the problem's loss alone.
pub fn differentiate<B: TrainBackend, R: TrainRecipe<B>>(
    recipe: &R,
    model: R::Model<B>,
    batch: &BatchOf<R, B>,
    carry: R::Carry<B>,
    context: &PassContext<'_, R>,
    share: f64,
) -> (PassOutput<B, R::Model<B>>, R::Carry<B>) {
    let (dtype, scale) = (context.precision.dtype(), context.precision.loss_scale());
    let half = (dtype != DType::F32).then(|| R::cast(&model, dtype));
    let Answered {
        answer,
        penalty,
        carry,
    } = recipe.pass(half.as_ref().unwrap_or(&model), batch, carry, context);
    let problem = context.problem;
    let loss = problem.loss(&answer, batch, Phase::Training);
    let sums = problem.sums(&answer, batch, loss.clone()).inner();
    drop(answer);
    let total: Tensor<B, 1> = match penalty {
        Some(penalty) => loss + penalty,
        None => loss,
    };
    let gradients = (total * (share * scale)).backward();
    let gradients = GradientsParams::from_grads(gradients, &model);
    let model = match half {
        Some(half) => take_statistics(model, &half),
        None => model,
    };
    let output = PassOutput {
        model,
        gradients,
        sums,
    };
    (output, carry)
}
