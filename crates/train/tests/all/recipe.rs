//! The gradients of a training step on images: passes of a batch, the auxiliary head, precision.

use burn::backend::Autodiff;
use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexDevice};
use supernet::{
    DerivedConfig, DerivedNetwork, Form, NetworkConfig, OperationForm, Published, Statistics,
    WeightInit,
};
use train::recipe::PassContext;
use train::tasks::image::{ImageConfig, ImageFit, ImageRecipe};
use train::{Recipe, differentiate};
use workbench::images::{Augment, Batch, DatasetId, ImageProblem, load};
use workbench::precision::Precision;

type Train = Autodiff<Flex>;

const BATCH: usize = 6;

fn recipe(auxiliary: bool, fit: ImageFit) -> ImageRecipe {
    ImageRecipe {
        network: DerivedConfig {
            network: NetworkConfig {
                image_channels: 1,
                classes: 4,
                channels: 4,
                cells: 3,
            },
            genotype: Published::DartsV2.genotype().unwrap(),
            form: Form::Cifar,
            auxiliary,
        },
        image: ImageConfig {
            height: 8,
            width: 8,
            mean: vec![0.0],
            std: vec![1.0],
            shorter_side: None,
        },
        class_names: None,
        fit,
        operations: OperationForm::Retrained,
    }
}

/// The loss with labels smoothed by 0.1; the data are not looked at.
fn problem() -> ImageProblem {
    let digits = load(DatasetId::Digits, None).unwrap();
    ImageProblem::for_training(digits, 0.0, 0, Augment::default(), 0.1).unwrap()
}

fn network(recipe: &ImageRecipe) -> DerivedNetwork<Train> {
    let init = &mut WeightInit::new(3);
    recipe.init::<Train>(init, &FlexDevice).unwrap()
}

fn batch(side: usize, first: usize, end: usize) -> Batch<Train> {
    let area = side * side;
    let value =
        |at: usize| ((at * 37 % 101) as f32 / 50.0 - 1.0) * ((at / area) as f32 + 1.0) / 3.0;
    let images: Vec<f32> = (first * area..end * area).map(value).collect();
    let labels: Vec<i32> = (first..end).map(|image| (image * 3 % 4) as i32).collect();
    Batch {
        images: Tensor::from_data(
            TensorData::new(images, [end - first, 1, side, side]),
            &FlexDevice,
        ),
        labels: Tensor::from_data(TensorData::new(labels, [end - first]), &FlexDevice),
    }
}

/// The pass of a whole step on the batch's own statistics.
fn context(problem: &ImageProblem) -> PassContext<'_, ImageRecipe> {
    PassContext {
        problem,
        seed: 1,
        epoch: 2,
        epochs: 2,
        step: 3,
        first: 0,
        precision: Precision::F32,
        statistics: Statistics::TRAIN,
    }
}

/// All gradients in the order of the parameters.
fn values(model: &DerivedNetwork<Train>, gradients: &GradientsParams) -> Vec<f32> {
    struct Read<'a>(&'a GradientsParams, Vec<f32>);
    impl<B: burn::tensor::backend::AutodiffBackend> ModuleVisitor<B> for Read<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if let Some(gradient) = self.0.get::<B::InnerBackend, D>(param.id) {
                self.1.extend(gradient.into_data().iter::<f32>());
            }
        }
    }
    let mut read = Read(gradients, Vec::new());
    burn::module::Module::<Train>::visit(model, &mut read);
    read.1
}

/// Sum of the losses of the images.
fn loss<B: Backend>(sums: Tensor<B, 1>) -> f32 {
    sums.into_data().iter::<f32>().next().unwrap()
}

#[test]
fn gradients_of_the_passes_of_a_batch_add_up_to_those_of_the_batch() {
    // With running statistics, so that images do not see each other; drop-path is keyed by place. At the
    // end of its ramp its rate is 0.3.
    let fit = ImageFit {
        drop_path: 0.3,
        ..ImageFit::default()
    };
    let (recipe, problem) = (recipe(false, fit), problem());
    let run = |cuts: &[usize]| {
        let mut model = network(&recipe);
        let (mut accumulated, mut sum) = (GradientsAccumulator::new(), 0.0);
        for ends in cuts.windows(2) {
            let context = PassContext {
                first: ends[0],
                statistics: Statistics::Running,
                ..context(&problem)
            };
            let batch = batch(8, ends[0], ends[1]);
            let share = (ends[1] - ends[0]) as f64 / BATCH as f64;
            let (output, ()) = differentiate(&recipe, model, &batch, (), &context, share);
            accumulated.accumulate(&output.model, output.gradients);
            sum += loss(output.sums) / BATCH as f32;
            model = output.model;
        }
        (values(&model, &accumulated.grads()), sum)
    };
    let (whole, whole_loss) = run(&[0, 6]);
    let (parts, parts_loss) = run(&[0, 1, 3, 6]);
    assert!((whole_loss - parts_loss).abs() < 1e-5);
    assert_eq!(whole.len(), parts.len());
    let largest = whole.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    assert!(largest > 1e-2);
    for (whole, parts) in whole.iter().zip(&parts) {
        assert!(
            (whole - parts).abs() < 1e-5 * largest.max(1.0),
            "{whole} {parts}"
        );
    }
}

#[test]
fn the_auxiliary_head_adds_its_weighted_gradient_and_not_to_the_loss_shown() {
    let problem = problem();
    let run = |auxiliary_weight: f64| {
        let recipe = recipe(
            true,
            ImageFit {
                auxiliary_weight,
                ..ImageFit::default()
            },
        );
        let context = PassContext {
            statistics: Statistics::Batch,
            ..context(&problem)
        };
        let (model, batch) = (network(&recipe), batch(32, 0, 2));
        let (output, ()) = differentiate(&recipe, model, &batch, (), &context, 1.0);
        (values(&output.model, &output.gradients), loss(output.sums))
    };
    let (none, none_loss) = run(0.0);
    let (once, once_loss) = run(0.4);
    let (twice, _) = run(0.8);
    assert_eq!(none_loss, once_loss);
    // The stem's weight comes first. The gradient is linear in the head's weight.
    let stem = 12 * 9;
    let moved = (0..stem).any(|at| (once[at] - none[at]).abs() > 1e-5);
    assert!(moved, "the head reaches the stem");
    for at in 0..stem {
        let (first, second) = (once[at] - none[at], twice[at] - once[at]);
        assert!(
            (first - second).abs() < 1e-4 * (1.0 + first.abs()),
            "{first} {second}"
        );
    }
}

#[test]
fn half_precision_stays_near_f32_and_moves_the_same_statistics() {
    let (recipe, problem) = (recipe(false, ImageFit::default()), problem());
    let run = |precision: Precision| {
        let context = PassContext {
            precision,
            ..context(&problem)
        };
        let (model, batch) = (network(&recipe), batch(8, 0, BATCH));
        let (output, ()) = differentiate(&recipe, model, &batch, (), &context, 1.0);
        let scale = precision.loss_scale() as f32;
        let found = values(&output.model, &output.gradients);
        let found: Vec<f32> = found.iter().map(|g| g / scale).collect();
        (output.model, found, loss(output.sums) / BATCH as f32)
    };
    let (model, exact, loss) = run(Precision::F32);
    let statistics =
        |model: &DerivedNetwork<Train>| model.state_dict()["stem.1.running_var"].clone();
    let moved = statistics(&model);
    assert_ne!(moved, statistics(&network(&recipe)));
    // A rounded value may pass a ReLU or win a pool that the exact one does not. The share of such
    // places grows as the rounding error, and the norm of the difference as its square root: three
    // bits less of bf16 make it 2.8 times as large.
    for (precision, tolerance) in [(Precision::F16, 0.1), (Precision::Bf16, 0.2)] {
        let (half_model, half, half_loss) = run(precision);
        assert!(
            (half_loss - loss).abs() < 0.1 * tolerance * 10.0,
            "{half_loss} {loss}"
        );
        let norm = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let difference: Vec<f32> = half.iter().zip(&exact).map(|(a, b)| a - b).collect();
        let relative = norm(&difference) / norm(&exact);
        assert!(relative < tolerance, "{precision}: {relative}");
        assert!(relative > 0.0, "{precision} is another precision");
        for (half, exact) in statistics(&half_model).values.iter().zip(&moved.values) {
            assert!(
                (half - exact).abs() < tolerance * exact.abs(),
                "{half} {exact}"
            );
        }
    }
}
