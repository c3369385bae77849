use std::fs;

use burn::tensor::Int;
use burn_flex::Flex;

use super::*;
use crate::WorkbenchError;
use crate::images::dataset::tests::counting;
use crate::images::{DatasetId, FolderOptions, OnCorrupt, load, load_with};
use crate::scoring::score;
use crate::stream::permutation;
use crate::stream::{Remainder, index_batches};

const AUGMENT: Augment = Augment {
    crop_padding: 1,
    flip: true,
    cutout: 2,
};

/// 40 images to learn from and 12 to judge by, of 4 classes.
fn data() -> TrainTest {
    TrainTest {
        train: counting(40, 4),
        test: counting(12, 4),
    }
}

fn searched() -> ImageProblem {
    ImageProblem::for_search(data(), 0.4, 3, AUGMENT).unwrap()
}

fn visit(split: Split, passes: usize, steps: Option<usize>) -> Visit {
    Visit {
        split,
        key: RngKey { seed: 3, epoch: 5 },
        order: 11,
        batch_size: 6,
        passes,
        steps,
    }
}

fn pixels(batches: impl Iterator<Item = Result<Batch<Flex>>>) -> Vec<Vec<f32>> {
    batches
        .map(|batch| batch.unwrap().images.into_data().to_vec().unwrap())
        .collect()
}

fn batches(problem: &ImageProblem, visit: &Visit) -> Vec<Vec<f32>> {
    pixels(problem.batches(visit, &Default::default()))
}

#[test]
fn a_search_divides_the_training_images_and_judges_by_those_of_the_logits() {
    let problem = searched();
    let (weights, others) = data().train.divide(0.4, 3).unwrap();
    assert_eq!(problem.dataset(Split::Weights), Some(&weights));
    assert_eq!(problem.dataset(Split::Logits), Some(&others));
    assert_eq!(problem.dataset(Split::Validation), Some(&others));
    assert_eq!(problem.dataset(Split::Test).unwrap().len(), 12);
    assert_eq!((problem.smaller(), weights.len()), (16, 16));
    for fraction in [0.0, 1.0, f64::NAN] {
        let error = ImageProblem::for_search(data(), fraction, 3, AUGMENT);
        let message = error.unwrap_err().to_string();
        let expected =
            format!("`data.weights_fraction` is {fraction}; valid: a share of 40 images");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn a_training_learns_from_all_images_but_those_held_out() {
    let training = |share| ImageProblem::for_training(data(), share, 3, AUGMENT, 0.1);
    let whole = training(0.0).unwrap();
    assert_eq!(whole.dataset(Split::Weights), Some(&data().train));
    let has = [
        Split::Weights,
        Split::Logits,
        Split::Validation,
        Split::Test,
    ]
    .map(|s| whole.has(s));
    assert_eq!(has, [true, false, false, true]);
    assert_eq!(whole.smaller(), 40);
    let (weights, held_out) = data().train.divide(0.75, 3).unwrap();
    let divided = training(0.25).unwrap();
    assert_eq!(divided.dataset(Split::Weights), Some(&weights));
    assert_eq!(divided.dataset(Split::Validation), Some(&held_out));
    let message = training(0.001).unwrap_err().to_string();
    assert!(
        message.contains("`data.validation` is 0.001; valid: 0, or"),
        "{message}"
    );
    let device = Default::default();
    let missing = whole.evaluation::<Flex>(Split::Validation, 4, 0, &device);
    let message = missing.err().unwrap().to_string();
    assert!(
        message.contains("`counting` has no images for validation"),
        "{message}"
    );
    assert_eq!(whole.steps(&visit(Split::Logits, 1, Some(3))), 0);
    assert!(batches(&whole, &visit(Split::Logits, 1, Some(3))).is_empty());
}

#[test]
fn an_epoch_is_the_whole_batches_of_a_permutation_changed_at_random() {
    let problem = searched();
    let set = problem.dataset(Split::Weights).unwrap();
    let order = permutation(set.len(), 3, 11);
    let expected = |set: &Dataset, order: &[usize], augment: Option<&Augment>| -> Vec<Vec<f32>> {
        let key = RngKey { seed: 3, epoch: 5 };
        index_batches(order, 6, Remainder::Drop)
            .map(|list| set.batch::<Flex>(list, augment, key, &Default::default()))
            .map(|batch| batch.images.into_data().to_vec().unwrap())
            .collect()
    };
    let weights = visit(Split::Weights, 1, None);
    assert_eq!(problem.steps(&weights), 2);
    let found = batches(&problem, &weights);
    assert_eq!(found, expected(set, &order, Some(&AUGMENT)));
    assert_ne!(found, expected(set, &order, None));

    // 24 images make 4 batches, which are gone around again for 6 steps.
    let logits = problem.dataset(Split::Logits).unwrap();
    let order = permutation(logits.len(), 3, 11);
    let once = expected(logits, &order, Some(&AUGMENT));
    assert_eq!(batches(&problem, &visit(Split::Logits, 1, None)), once);
    let around = visit(Split::Logits, 1, Some(6));
    assert_eq!(problem.steps(&around), 6);
    assert_eq!(batches(&problem, &around), [&once[..], &once[..2]].concat());

    // As they are, where that is asked for; those for weights are changed all the same.
    let plain = searched().with_plain_logits();
    let once = expected(plain.dataset(Split::Logits).unwrap(), &order, None);
    assert_eq!(batches(&plain, &visit(Split::Logits, 1, None)), once);
    assert_eq!(batches(&plain, &weights), found);
}

#[test]
fn the_passes_of_a_step_are_its_batch_cut_up() {
    let problem = searched();
    let whole = batches(&problem, &visit(Split::Weights, 1, None));
    let cut = batches(&problem, &visit(Split::Weights, 4, None));
    assert_eq!(cut.len(), 8);
    let sizes: Vec<usize> = cut.iter().map(|pass| pass.len() / 30).collect();
    assert_eq!(sizes, [1, 2, 1, 2, 1, 2, 1, 2]);
    assert_eq!(cut[..4].concat(), whole[0]);
    assert_eq!(cut[4..].concat(), whole[1]);
}

#[test]
fn an_evaluation_covers_everything_once_in_batches_of_nearly_equal_size() {
    let lists = evaluation_lists(370, 64, 1);
    let sizes: Vec<_> = lists.iter().map(Vec::len).collect();
    assert_eq!(
        (sizes.iter().min(), sizes.iter().max()),
        (Some(&61), Some(&62))
    );
    let mut all: Vec<_> = lists.concat();
    all.sort();
    assert_eq!(all, (0..370).collect::<Vec<_>>());
    let problem = searched();
    let (device, set) = (Default::default(), problem.dataset(Split::Test).unwrap());
    let found = pixels(problem.evaluation(Split::Test, 5, 9, &device).unwrap());
    let order = permutation(12, 9, u64::MAX);
    let key = RngKey { seed: 0, epoch: 0 };
    let all = set.batch::<Flex>(&order, None, key, &device).images;
    assert_eq!(found.concat(), all.into_data().to_vec::<f32>().unwrap());
    assert_eq!(found.len(), 3);
}

#[test]
fn a_constant_answer_is_wrong_for_all_other_classes() {
    let data = load(DatasetId::Digits, None).unwrap();
    let labels = data.test.labels();
    let zeros = labels.iter().filter(|label| **label == 0).count();
    let expected = 100.0 * (1.0 - zeros as f64 / labels.len() as f64);
    let problem = ImageProblem::for_training(data, 0.0, 0, AUGMENT, 0.0).unwrap();
    let device = Default::default();
    let mut numbers = Vec::new();
    let score =
        score::<Flex, _, WorkbenchError>(&problem, Split::Test, 64, 0, &device, |batch, number| {
            numbers.push(number);
            let first = Tensor::<Flex, 2>::zeros([batch.len(), 10], &batch.images.device());
            Ok(first.slice_fill([0..batch.len(), 0..1], 1.0))
        })
        .unwrap();
    assert!(
        (score.value - expected).abs() < 1e-12,
        "{score:?} {expected}"
    );
    // One logit of 1 and nine of 0.
    let total = (1f64.exp() + 9.0).ln();
    let mean = (score.loss - total).abs() - zeros as f64 / 360.0;
    assert!(mean.abs() < 1e-6, "{score:?}");
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn sums_are_the_loss_and_mistakes_of_all_images_and_their_number() {
    let device = Default::default();
    let batch = Batch::<Flex> {
        images: Tensor::zeros([3, 2, 3, 5], &device),
        labels: Tensor::<Flex, 1, Int>::from_data([1, 0, 2], &device),
    };
    let logits = Tensor::from_data([[0.0, 2.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 4.0]], &device);
    let problem = ImageProblem::for_training(data(), 0.0, 0, AUGMENT, 0.1).unwrap();
    let scalar = |tensor: Tensor<Flex, 1>| tensor.into_scalar();
    let plain = problem.loss(&logits, &batch, Phase::Evaluation);
    let smoothed = problem.loss(&logits, &batch, Phase::Training);
    let (own, labels) = (logits.clone(), batch.labels.clone());
    let expected = cross_entropy(own.clone(), labels.clone());
    assert_eq!(scalar(plain.clone()), scalar(expected));
    let expected = smoothed_cross_entropy(own, labels, 0.1);
    assert_eq!(scalar(smoothed), scalar(expected));
    let sums = problem.sums(&logits, &batch, plain.clone());
    let sums: Vec<f64> = sums.into_data().iter::<f64>().collect();
    assert_eq!(sums[1..], [1.0, 3.0]);
    assert_eq!(sums[0], f64::from(3.0 * scalar(plain)));
    assert_eq!(problem.examples(&batch), 3);
    let score = problem.score(&[6.0, 1.0, 8.0]);
    assert_eq!((score.loss, score.value), (0.75, 12.5));
    assert!(problem.score(&[]).loss.is_nan());
}

#[test]
fn a_run_goes_on_with_the_data_it_began_with_alone() {
    let before = searched().description();
    let expected = r#"{"classes":{"count":4,"names":null},"images":40}"#;
    assert_eq!(before, serde_json::from_str::<Value>(expected).unwrap());
    searched().check(&before).unwrap();
    let check = |train| {
        let data = TrainTest { train, ..data() };
        let problem = ImageProblem::for_search(data, 0.5, 0, AUGMENT).unwrap();
        problem.check(&before).unwrap_err().to_string()
    };
    let message = check(counting(40, 5));
    assert!(
        message.contains("5 classes") && message.contains("4 classes"),
        "{message}"
    );
    let message = check(counting(44, 4));
    assert!(message.contains("44 training images"), "{message}");
    let message = searched().check(&Value::Null).unwrap_err().to_string();
    assert!(message.contains("its checkpoint does not say"), "{message}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_once_although_two_splits_have_it() {
    let root = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        let folder = root.path().join("train").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..4 {
            fs::write(folder.join(format!("{number}.png")), "junk").unwrap();
        }
    }
    fs::create_dir_all(root.path().join("val/a")).unwrap();
    fs::write(root.path().join("val/a/x.png"), "junk").unwrap();
    let options = FolderOptions {
        on_corrupt: OnCorrupt::Skip,
        ..FolderOptions::default()
    };
    let data = load_with(DatasetId::Folder, Some(root.path()), &options).unwrap();
    let problem = ImageProblem::for_search(data, 0.5, 0, AUGMENT).unwrap();
    // The class without an image for test.
    assert_eq!(problem.notes().len(), 1);
    assert!(problem.unreadable().is_empty());
    let device = Default::default();
    let mut batches = problem
        .evaluation::<Flex>(Split::Validation, 9, 0, &device)
        .unwrap();
    assert!(batches.next().unwrap().is_err());
    let sentences = problem.unreadable();
    assert_eq!(sentences.len(), 4, "{sentences:?}");
    let ending = "`: its content is not JPEG, PNG, WebP or BMP; another file stood in for it";
    assert!(sentences[0].starts_with("image file `") && sentences[0].ends_with(ending));
}
