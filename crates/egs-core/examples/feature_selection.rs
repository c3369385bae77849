//! Which pixels of a handwritten digit are worth reading?
//!
//! A code over the 64 pixels masks the input of a linear classifier. Code and classifier are
//! trained together; afterwards the most probable code is kept, and the classifier is fitted again
//! on its pixels and, for comparison, on as many random ones.
//!
//! Reads `datasets/digits.csv.gz` of the repository, or the file that `DIGITS` names.

use std::io::Read;

use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams, Optimizer},
    tensor::{Int, Tensor, TensorData, backend::Backend},
};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use egs_core::{CodeDistribution, EgsConfig, NoiseKey, probabilities};

type B = Autodiff<Flex>;

const PIXELS: usize = 64;
const DRAWS: usize = 16;
const TRAINING: usize = 1200;

#[derive(Module, Debug)]
struct Masked<B: Backend> {
    logits: Param<Tensor<B, 2>>,
    classifier: Linear<B>,
}

impl<B: Backend> Masked<B> {
    fn new(device: &B::Device) -> Self {
        Self {
            logits: Param::from_tensor(Tensor::zeros([1, PIXELS], device)),
            classifier: LinearConfig::new(PIXELS, 10).init(device),
        }
    }
}

struct Digits {
    /// `[images, pixels]`
    images: Tensor<B, 2>,
    /// `[images]`
    labels: Tensor<B, 1, Int>,
}

fn read() -> Result<(Digits, Digits), Box<dyn std::error::Error>> {
    let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/digits.csv.gz");
    let path = std::env::var("DIGITS").unwrap_or(bundled.into());
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let numbers: Vec<i32> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (image, label) = numbers.split_at(PIXELS);
        pixels.extend(image.iter().map(|&pixel| pixel as f32 / 16.0));
        labels.push(label[0]);
    }
    let (device, count) = (Default::default(), labels.len());
    let images = Tensor::from_data(TensorData::new(pixels, [count, PIXELS]), &device);
    let labels = Tensor::from_data(TensorData::new(labels, [count]), &device);
    let part = |start, length| Digits {
        images: images.clone().narrow(0, start, length),
        labels: labels.clone().narrow(0, start, length),
    };
    Ok((part(0, TRAINING), part(TRAINING, count - TRAINING)))
}

/// Trains for 200 full-batch steps; `mask` gives `[1, pixels]` for a model and a step.
fn train(digits: &Digits, mask: impl Fn(&Masked<B>, u64) -> Tensor<B, 2>) -> Masked<B> {
    let device = Default::default();
    B::seed(&device, 3);
    let mut model = Masked::new(&device);
    let mut optimizer = AdamConfig::new().init();
    for step in 0..200 {
        let masked = digits.images.clone() * mask(&model, step);
        let scores = model.classifier.forward(masked);
        let loss = CrossEntropyLossConfig::new()
            .init(&device)
            .forward(scores, digits.labels.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.03, model, gradients);
    }
    model
}

/// Test accuracy in percent of a classifier that is fitted on the pixels of a code.
fn refit(training: &Digits, test: &Digits, code: &[bool]) -> f32 {
    let mask: Vec<f32> = code.iter().map(|&on| on as u8 as f32).collect();
    let mask = Tensor::from_data(TensorData::new(mask, [1, PIXELS]), &Default::default());
    let model = train(training, |_, _| mask.clone());
    let scores = model.classifier.forward(test.images.clone() * mask);
    let right = scores
        .argmax(1)
        .squeeze_dim::<1>(1)
        .equal(test.labels.clone());
    100.0 * right.float().mean().into_scalar()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (training, test) = read()?;
    let egs = EgsConfig::new(DRAWS).init()?;
    let model = train(&training, |model, step| {
        egs.sample(model.logits.val(), NoiseKey::new(3, step))
            .expect("there are pixels")
            .code
    });

    let p = probabilities(model.logits.val(), Default::default());
    let p: Vec<f64> = p.into_data().convert::<f64>().to_vec().expect("f64");
    let mode = CodeDistribution::new(&p, DRAWS)?.mode();
    let count = mode.iter().filter(|&&on| on).count();
    println!("{count} of {PIXELS} pixels are worth reading:");
    for row in mode.chunks(8) {
        let line: String = row.iter().map(|&on| [" .", " #"][on as usize]).collect();
        println!("{line}");
    }

    let chosen = refit(&training, &test, &mode);
    let all = refit(&training, &test, &[true; PIXELS]);
    let mut random = 0.0;
    let tries = 5;
    for seed in 0..tries {
        let key = NoiseKey::new(seed, 0);
        let mut order: Vec<usize> = (0..PIXELS).collect();
        order.sort_by_key(|&pixel| key.bits(0, 0, pixel as u32));
        let mut code = [false; PIXELS];
        order[..count].iter().for_each(|&pixel| code[pixel] = true);
        random += refit(&training, &test, &code) / tries as f32;
    }
    println!(
        "test accuracy with these {chosen:.1} %, with {count} random ones {random:.1} %, with all {all:.1} %"
    );
    assert!(
        chosen > random,
        "the chosen pixels are no better than random ones"
    );
    Ok(())
}
