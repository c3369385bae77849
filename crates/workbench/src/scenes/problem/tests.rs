use std::fs;
use std::path::Path;

use burn_flex::Flex;
use image::{ImageFormat, RgbImage};

use super::*;
use crate::scenes::{PairOptions, SceneAugment, SceneData, SceneSetId, StandInOptions, mask_png};
use crate::scoring::{count_classes, score};

const CHANGES: SceneChanges = SceneChanges {
    crop: 16,
    augment: SceneAugment {
        scale: [0.5, 2.0],
        flip: true,
    },
};

fn data(set: SceneSetId, root: Option<&Path>) -> SceneData {
    SceneData {
        set,
        root: root.map(Path::to_path_buf),
        crop: CHANGES.crop,
        augment: CHANGES.augment,
        class_weights: Default::default(),
        scenes: StandInOptions {
            train: 12,
            test: 5,
            size: 32,
            ..StandInOptions::default()
        },
        voc: Default::default(),
        folder: PairOptions {
            classes: ["a", "b", "c"].map(String::from).to_vec(),
            ..PairOptions::default()
        },
    }
}

fn stand_in() -> SceneTrainTest {
    data(SceneSetId::Scenes, None).load().unwrap()
}

/// Images of two sizes, whose first pixel says their number.
fn folder(root: &Path) -> SceneTrainTest {
    for part in ["train", "val"] {
        let [images, masks] = ["images", "masks"].map(|kind| root.join(part).join(kind));
        fs::create_dir_all(&images).unwrap();
        fs::create_dir_all(&masks).unwrap();
        for at in 0..7_u32 {
            let (width, height) = if at % 3 == 0 { (9, 5) } else { (5, 9) };
            let picture = RgbImage::from_pixel(width, height, [10 * at as u8, 0, 0].into());
            let path = images.join(format!("{at}.png"));
            picture.save_with_format(path, ImageFormat::Png).unwrap();
            let mask = vec![at as u8 % 3; 45];
            let mask = mask_png(&mask, [height as usize, width as usize]).unwrap();
            fs::write(masks.join(format!("{at}.png")), mask).unwrap();
        }
    }
    data(SceneSetId::Folder, Some(root)).load().unwrap()
}

fn visit(split: Split, passes: usize) -> Visit {
    Visit {
        split,
        key: RngKey { seed: 3, epoch: 5 },
        order: 11,
        batch_size: 4,
        passes,
        steps: None,
    }
}

fn values(batches: impl Iterator<Item = Result<SceneBatch<Flex>>>) -> (Vec<f32>, Vec<i32>) {
    let batches = batches.map(|batch| {
        let SceneBatch { images, masks } = batch.unwrap();
        (
            images.into_data().to_vec::<f32>().unwrap(),
            masks.into_data().to_vec::<i32>().unwrap(),
        )
    });
    let (images, masks): (Vec<_>, Vec<_>) = batches.unzip();
    (images.concat(), masks.concat())
}

#[test]
fn training_batches_are_crops_that_do_not_depend_on_how_a_step_is_cut() {
    let problem = SceneProblem::for_training(stand_in(), 0.0, 1, CHANGES).unwrap();
    let device = Default::default();
    let (whole, cut) = (visit(Split::Weights, 1), visit(Split::Weights, 2));
    let first = problem.batches::<Flex>(&whole, &device).next();
    let first = first.unwrap().unwrap();
    assert_eq!(
        (first.images.dims(), first.masks.dims()),
        ([4, 3, 16, 16], [4, 16, 16])
    );
    let shown = values(problem.batches(&whole, &device));
    assert_eq!(shown, values(problem.batches(&cut, &device)));
    assert_eq!(shown.1.len(), 12 * 16 * 16);
    let later = Visit {
        key: RngKey { seed: 3, epoch: 6 },
        ..whole
    };
    assert_ne!(shown, values(problem.batches(&later, &device)));
}

#[test]
fn whole_images_judge_in_batches_of_one_size_each_once() {
    let root = tempfile::tempdir().unwrap();
    let problem = SceneProblem::for_training(folder(root.path()), 0.0, 1, CHANGES).unwrap();
    let device = Default::default();
    let batches = problem
        .evaluation::<Flex>(Split::Test, 3, 0, &device)
        .unwrap();
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    for batch in batches {
        let batch = batch.unwrap();
        sizes.push((batch.sides(), batch.len()));
        let images = batch.images.into_data().to_vec::<f32>().unwrap();
        for image in images.chunks(3 * 45) {
            let red = (image[0] * 0.229 + 0.485) * 25.5;
            seen.push(red.round() as usize);
        }
    }
    sizes.sort();
    assert_eq!(sizes, [([5, 9], 3), ([9, 5], 2), ([9, 5], 2)]);
    seen.sort();
    assert_eq!(seen, (0..7).collect::<Vec<_>>());
}

#[test]
fn training_images_are_divided_and_test_images_are_others() {
    let searched = SceneProblem::for_search(stand_in(), 0.5, 1, CHANGES).unwrap();
    let sizes = [
        Split::Weights,
        Split::Logits,
        Split::Validation,
        Split::Test,
    ]
    .map(|split| searched.size(split));
    assert_eq!((sizes, searched.smaller()), ([6, 6, 6, 5], 6));
    let held_out = SceneProblem::for_training(stand_in(), 0.25, 1, CHANGES).unwrap();
    assert_eq!(
        (
            held_out.size(Split::Weights),
            held_out.size(Split::Validation)
        ),
        (9, 3)
    );
    let both = [Split::Weights, Split::Validation]
        .map(|split| held_out.scenes(split).unwrap().picked.clone());
    let mut both = both.concat();
    both.sort();
    assert_eq!(both, (0..12).collect::<Vec<_>>());
    for fraction in [0.0, 1.0, f64::NAN] {
        let error = SceneProblem::for_search(stand_in(), fraction, 1, CHANGES).unwrap_err();
        assert!(
            error.to_string().contains("data.weights_fraction"),
            "{error}"
        );
    }
    assert!(searched.name().contains("stand-in"));
    let judged = SceneProblem::for_evaluation(stand_in().test);
    assert!(!judged.has(Split::Weights) && judged.has(Split::Test));
    let missing = judged
        .evaluation::<Flex>(Split::Logits, 2, 0, &Default::default())
        .err()
        .unwrap();
    assert!(
        missing.to_string().contains("has no images for logits"),
        "{missing}"
    );
}

/// Logits of the class of each pixel, but for every tenth pixel.
fn nearly_right(batch: &SceneBatch<Flex>, classes: usize) -> Tensor<Flex, 4> {
    let [count, height, width] = batch.masks.dims();
    let masks = batch.masks.clone().into_data().to_vec::<i32>().unwrap();
    let area = height * width;
    let mut logits = vec![0.0_f32; count * classes * area];
    for (at, class) in masks.into_iter().enumerate() {
        let class = if at % 10 == 0 { 0 } else { class as usize };
        if class < classes {
            logits[(at / area * classes + class) * area + at % area] = 5.0;
        }
    }
    let data = burn::tensor::TensorData::new(logits, [count, classes, height, width]);
    Tensor::from_data(data, &Default::default())
}

#[test]
fn a_score_is_of_one_confusion_over_all_images() {
    let problem = SceneProblem::for_training(stand_in(), 0.0, 1, CHANGES).unwrap();
    let mut confusion = Confusion::new(problem.classes().unwrap());
    let scored = score(
        &problem,
        Split::Test,
        2,
        0,
        &Default::default(),
        |batch, _| {
            let answer = nearly_right(batch, 11);
            count_classes(&problem, &answer, batch, &mut confusion);
            Ok::<_, WorkbenchError>(answer)
        },
    );
    let scored = scored.unwrap();
    let expected = confusion.mean_iou().unwrap();
    assert!((scored.value - expected).abs() < 1e-9 && (50.0..100.0).contains(&expected));
    assert!(scored.loss > 0.0 && scored.loss.is_finite());
    let facts = problem.class_facts(&confusion);
    assert!(
        facts[0].0 == "pixel accuracy" && facts[0].1.ends_with(" %"),
        "{facts:?}"
    );
    assert_eq!(problem.class_score(&confusion, 0), confusion.iou(0));
    assert!(problem.metric().better(60.0, 50.0));
}

#[test]
fn classes_are_weighted_where_something_is_learned() {
    let problem = |weights: ClassWeights| {
        let problem = SceneProblem::for_training(stand_in(), 0.0, 1, CHANGES).unwrap();
        problem.weighted(&weights).unwrap()
    };
    let equal = problem(ClassWeights::Equal);
    let device = Default::default();
    let batch = equal.read::<Flex>(Split::Weights, &[0, 1], None, &device);
    let batch = batch.unwrap();
    // Everything is taken for the background.
    let [count, height, width] = batch.masks.dims();
    let pixel = Tensor::<Flex, 1>::from_data([5.0; 1], &device).reshape([1, 1, 1, 1]);
    let logits = Tensor::zeros([count, 11, height, width], &device);
    let logits = logits.slice_assign([0..count, 0..1], pixel.expand([count, 1, height, width]));
    let loss = |problem: &SceneProblem, phase| {
        let loss = problem.loss::<Flex>(&logits, &batch, phase);
        loss.into_scalar()
    };
    let reported = loss(&equal, Phase::Evaluation);
    assert_eq!(loss(&equal, Phase::Training), reported);
    for weights in [
        ClassWeights::Balanced,
        ClassWeights::Stated([vec![0.1], vec![1.0; 10]].concat()),
    ] {
        let weighted = problem(weights);
        assert_eq!(loss(&weighted, Phase::Evaluation), reported);
        assert!(loss(&weighted, Phase::Training) > 2.0 * reported);
        let (name, text) = &weighted.facts()[1];
        assert!(
            *name == "loss" && text.contains("(background) to "),
            "{text}"
        );
    }
}

#[test]
fn a_run_is_not_resumed_with_other_data() {
    let problem = SceneProblem::for_training(stand_in(), 0.25, 1, CHANGES).unwrap();
    problem.check(&problem.description()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let other = SceneProblem::for_training(folder(root.path()), 0.0, 1, CHANGES).unwrap();
    let message = other.check(&problem.description()).unwrap_err().to_string();
    assert!(
        message.contains("has 3 classes; valid is what the network was trained on, 11 classes"),
        "{message}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_when_it_is_needed() {
    let root = tempfile::tempdir().unwrap();
    let problem = SceneProblem::for_training(folder(root.path()), 0.0, 1, CHANGES).unwrap();
    let picture = RgbImage::from_pixel(9, 6, [0; 3].into());
    picture
        .save_with_format(root.path().join("train/images/3.png"), ImageFormat::Png)
        .unwrap();
    let device = Default::default();
    let all = Visit {
        batch_size: 7,
        ..visit(Split::Weights, 1)
    };
    let mut batches = problem.batches::<Flex>(&all, &device);
    let message = batches.next().unwrap().unwrap_err().to_string();
    assert!(
        message.contains("train/masks/3.png")
            && message.contains("valid is 9x6, the size of its image"),
        "{message}"
    );
}
