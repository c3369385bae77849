//! Time of forward and backward together: the operation against composed tensor operations.
//!
//! `cargo bench -p egs-core --bench egs` prints a Markdown table for the CPU; with `--features
//! wgpu` or `--features cuda` also for that device. `EGS_BENCH_SIZES=small`, `medium` or `large`
//! picks one size, several are separated by commas; without it small and medium are run.
//! `EGS_BENCH_BACKENDS` picks of flex, wgpu and cuda in the same way; without it those built are run.

use std::time::{Duration, Instant};

use burn::tensor::{DType, Distribution, Tensor, backend::Backend};
use burn_autodiff::Autodiff;
use egs_core::{Egs, EgsBackend, EgsConfig, EgsForm, NoiseKey, Normalization, reference};

struct Size {
    name: &'static str,
    rows: usize,
    ops: usize,
    draws: usize,
}

const SIZES: [Size; 3] = [
    Size {
        name: "small",
        rows: 28,
        ops: 8,
        draws: 7,
    },
    Size {
        name: "medium",
        rows: 65_536,
        ops: 64,
        draws: 8,
    },
    Size {
        name: "large",
        rows: 4_096,
        ops: 4_096,
        draws: 8,
    },
];

/// Time that a measurement may take before it stops repeating.
const BUDGET: Duration = Duration::from_secs(3);

/// The backends that this is built with.
const BUILT: &[&str] = &[
    #[cfg(feature = "flex")]
    "flex",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

fn main() {
    let sizes = asked_for(
        "EGS_BENCH_SIZES",
        &SIZES.map(|size| size.name),
        "small,medium",
    );
    let backends = asked_for("EGS_BENCH_BACKENDS", BUILT, &BUILT.join(","));
    let asked = |name: &str| backends.iter().any(|backend| backend == name);
    println!("| backend | rows x ops, draws | composed ms | operation ms | times faster | GB/s |");
    println!("|---|---|---|---|---|---|");
    for size in SIZES {
        if !sizes.iter().any(|name| name == size.name) {
            continue;
        }
        #[cfg(feature = "flex")]
        if asked("flex") {
            measure::<burn_flex::Flex>("flex", &size);
        }
        #[cfg(feature = "wgpu")]
        if asked("wgpu") {
            measure::<burn_wgpu::Wgpu>("wgpu", &size);
        }
        #[cfg(feature = "cuda")]
        if asked("cuda") {
            measure::<burn_cuda::Cuda>("cuda", &size);
        }
    }
}

/// The names that a variable lists, or the usual ones.
fn asked_for(variable: &str, all: &[&str], usual: &str) -> Vec<String> {
    let list = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    let names: Vec<String> = list.split(',').map(str::to_owned).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
        let valid = all.join(", ");
        eprintln!("{variable} names `{unknown}`, valid are: {valid}");
        std::process::exit(2);
    }
    names
}

fn measure<B: EgsBackend>(name: &str, size: &Size) {
    let device = B::Device::default();
    let shape = [size.rows, size.ops];
    let logits = Tensor::<B, 2>::random(shape, Distribution::Default, &device);
    let upstream = Tensor::<B, 2>::random(shape, Distribution::Default, &device);
    let egs = EgsConfig::new(size.draws)
        .with_normalization(Normalization::Sum)
        .init()
        .expect("the settings are valid");
    let operation = median::<B>(&device, |step| operation(&egs, &logits, &upstream, step))
        .expect("the device works");
    // Last, because a device may refuse tensors of the size of the noise.
    let composed = median::<B>(&device, |_| composed(&egs, &logits, &upstream, size.draws));
    let (composed, ratio) = match composed {
        Some(composed) => (
            format!("{:.3}", composed * 1e3),
            format!("{:.1}", composed / operation),
        ),
        None => ("refused".into(), "-".into()),
    };
    // Forward reads the logits and writes code, weights and route; backward reads logits, route
    // and upstream and writes the gradient.
    let bytes = 8.0 * 4.0 * (size.rows * size.ops) as f64;
    let form = match egs.form::<B>(&device) {
        EgsForm::Plain => "plain",
        EgsForm::Rows => "one pass",
        EgsForm::Fused => "fused",
    };
    println!(
        "| {name}, {form} | {} x {}, {} | {composed} | {:.3} | {ratio} | {:.2} |",
        size.rows,
        size.ops,
        size.draws,
        operation * 1e3,
        bytes / operation / 1e9,
    );
}

type Graph<B> = Autodiff<B>;

fn operation<B: EgsBackend>(
    egs: &Egs,
    logits: &Tensor<B, 2>,
    upstream: &Tensor<B, 2>,
    step: u64,
) -> Tensor<B, 2> {
    let logits = Tensor::<Graph<B>, 2>::from_inner(logits.clone()).require_grad();
    let sample = egs
        .sample(logits.clone(), NoiseKey::new(1, step))
        .expect("the logits have operations");
    let upstream = Tensor::from_inner(upstream.clone());
    let gradients = (sample.weights * upstream).sum().backward();
    logits.grad(&gradients).expect("the logits are tracked")
}

/// What a person would write: noise from the device's own generator, then tensor operations.
fn composed<B: EgsBackend>(
    egs: &Egs,
    logits: &Tensor<B, 2>,
    upstream: &Tensor<B, 2>,
    draws: usize,
) -> Tensor<B, 2> {
    let [rows, ops] = logits.dims();
    let uniform = Tensor::<B, 3>::random(
        [rows, draws, ops],
        Distribution::Uniform(1e-7, 1.0 - 1e-7),
        (&logits.device(), DType::F32),
    );
    let noise = Tensor::<Graph<B>, 3>::from_inner(uniform.log().neg().log().neg());
    let logits = Tensor::<Graph<B>, 2>::from_inner(logits.clone()).require_grad();
    let sample = reference::sample(egs, logits.clone(), noise).expect("the shapes fit");
    let upstream = Tensor::from_inner(upstream.clone());
    let gradients = (sample.weights * upstream).sum().backward();
    logits.grad(&gradients).expect("the logits are tracked")
}

/// Median seconds of one call, after one that warms up; nothing when the device reports an error.
fn median<B: Backend>(device: &B::Device, call: impl Fn(u64) -> Tensor<B, 2>) -> Option<f64> {
    drop(call(0));
    B::sync(device).ok()?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.is_empty() || (start.elapsed() < BUDGET && times.len() < 1000) {
        let before = Instant::now();
        drop(call(times.len() as u64));
        B::sync(device).ok()?;
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Some(times[times.len() / 2])
}
