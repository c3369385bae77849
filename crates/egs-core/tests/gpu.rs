//! The fused kernels on a GPU, bare and under a fusing backend: CUDA with the feature `cuda`, else WGPU.
//!
//! Without a device these tests fail. `EGS_SKIP_GPU=1` skips them and says so; for WGPU software Vulkan
//! (Mesa's lavapipe) is enough to run them.

#![cfg(any(feature = "cuda", feature = "wgpu"))]

mod common;

use burn::tensor::{Tensor, backend::Backend};
use burn_autodiff::Autodiff;
use burn_cubecl::CubeBackend;
use common::{Cpu, assert_close, assert_close_above, golden, oracle, scattered, tensor, values};
use cubecl::Runtime;
use egs_core::{
    Activation, EgsBackend, EgsConfig, EgsForm, Gradient, Mode, Noise, NoiseKey, Normalization,
    Spec, device_noise_bits,
};
use gpu::{Bool, Fusing, GpuDevice, GpuRuntime};

#[cfg(feature = "cuda")]
mod gpu {
    pub use burn_cuda::CudaDevice as GpuDevice;
    pub use cubecl::cuda::CudaRuntime as GpuRuntime;

    pub type Bool = u8;
    pub type Fusing = burn_cuda::Cuda<f32, i32>;
}
#[cfg(not(feature = "cuda"))]
mod gpu {
    pub use burn_wgpu::{WgpuDevice as GpuDevice, WgpuRuntime as GpuRuntime};

    pub type Bool = u32;
    pub type Fusing = burn_wgpu::Wgpu<f32, i32, u32>;
}

type Bare = CubeBackend<GpuRuntime, f32, i32, Bool>;

fn device() -> Option<GpuDevice> {
    if std::env::var_os("EGS_SKIP_GPU").is_some_and(|value| value == "1") {
        eprintln!("SKIPPED: EGS_SKIP_GPU=1");
        return None;
    }
    Some(GpuDevice::default())
}

/// The numbers of `Egs`, which the kernels are called with directly where no graph is needed.
fn spec(config: EgsConfig) -> Spec {
    config.init().unwrap().spec()
}

struct Result {
    code: Vec<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
}

/// Forward and backward of the operation itself, without a graph.
fn run<B: EgsBackend>(
    device: &B::Device,
    config: EgsConfig,
    shape: [usize; 2],
    logits: &[f32],
    upstream: &[f32],
    noise: impl Fn() -> Noise<B>,
) -> Result {
    let input: Tensor<B, 2> = tensor(logits, shape, device);
    let upstream = tensor(upstream, shape, device);
    let sample = B::egs_forward(input.clone(), noise(), spec(config));
    let gradient = B::egs_backward(input, noise(), sample.route, upstream, spec(config));
    Result {
        code: values(sample.code),
        weights: values(sample.weights),
        gradient: values(gradient),
    }
}

fn golden_values<B: EgsBackend>(device: &B::Device) {
    for (index, case) in golden::published().iter().enumerate() {
        for (normalization, gradient) in [
            (Normalization::None, &case.grad_alpha_code),
            (Normalization::Sum, &case.grad_alpha_weights),
        ] {
            let what = format!("{} case {index} {normalization:?}", B::name(device));
            let config = case.config().with_normalization(normalization);
            let noise = case.gumbel.concat().concat();
            let shape = [case.rows, case.draws, case.ops];
            let result = run::<B>(
                device,
                config,
                [case.rows, case.ops],
                &case.alpha.concat(),
                &case.upstream.concat(),
                || Noise::Given(tensor(&noise, shape, device)),
            );
            assert_eq!(result.code, case.code.concat(), "{what}");
            if normalization == Normalization::Sum {
                assert_close(&result.weights, &case.weights.concat(), 1e-5, &what);
            }
            assert_close(&result.gradient, &gradient.concat(), 1e-5, &what);
        }
    }
}

#[test]
fn golden_values_pass_through_the_kernels() {
    let Some(device) = device() else { return };
    golden_values::<Bare>(&device);
    golden_values::<Fusing>(&device);
}

#[test]
fn kernels_run_under_autodiff_and_fusion() {
    let Some(device) = device() else { return };
    let egs = EgsConfig::new(4)
        .with_normalization(Normalization::Sum)
        .init()
        .unwrap();
    assert_eq!(egs.form::<Autodiff<Fusing>>(&device), EgsForm::Fused);
    let logits = scattered(3 * 8, 1);
    let upstream = scattered(3 * 8, 2);
    // Two keys: a queued operation must use its own.
    for step in [0, 1] {
        let key = NoiseKey::new(6, step);
        let expected = oracle::solve(&oracle::Problem {
            config: EgsConfig::new(4).with_normalization(Normalization::Sum),
            ops: 8,
            logits: &logits,
            noise: &key.gumbel(3, 4, 8),
            upstream: &upstream,
        });
        let input: Tensor<Autodiff<Fusing>, 2> = tensor(&logits, [3, 8], &device).require_grad();
        let sample = egs.sample(input.clone(), key).unwrap();
        let upstream = tensor(&upstream, [3, 8], &device);
        let gradients = (sample.weights * upstream).sum().backward();
        assert_eq!(values(sample.code), expected.code);
        let gradient = values(input.grad(&gradients).unwrap());
        assert_close(&gradient, &expected.gradient, 2e-5, "autodiff");
    }
}

#[test]
fn kernels_match_the_oracle_over_the_grid() {
    let Some(device) = device() else { return };
    let key = NoiseKey::new(21, 7).with_first_row(5);
    for ops in [1, 2, 3, 8, 40, 1000] {
        for rows in [1, 7, 14, 4096] {
            for (draws, temperature) in [(1, 1.0), (4, 0.1), (7, 1.0), (9, 5.0), (64, 1.0)] {
                // Large in one direction at a time, so that the loops of the oracle stay short.
                if rows * ops * draws > 5_000_000 {
                    continue;
                }
                let what = format!("{rows} rows, {ops} ops, {draws} draws, {temperature}");
                let config = EgsConfig::new(draws)
                    .with_temperature(temperature)
                    .with_normalization(Normalization::Sum);
                let logits: Vec<f32> = scattered(rows * ops, ops as u64)
                    .iter()
                    .map(|x| 2.0 * x)
                    .collect();
                let upstream = scattered(rows * ops, 3);
                compare(&device, config, ops, &logits, &upstream, key, &what);
            }
        }
    }
}

/// Codes must be equal except in rows with a tie, which have no gradient to compare either.
fn compare(
    device: &GpuDevice,
    config: EgsConfig,
    ops: usize,
    logits: &[f32],
    upstream: &[f32],
    key: NoiseKey,
    what: &str,
) {
    let rows = logits.len() / ops;
    let expected = oracle::solve(&oracle::Problem {
        config,
        ops,
        logits,
        noise: &key.gumbel(rows, config.draws, ops),
        upstream,
    });
    let shape = [rows, ops];
    let actual = run::<Bare>(device, config, shape, logits, upstream, || key.into());
    let mut ties = 0;
    for row in 0..rows {
        if expected.margin[row] < 1e-5 {
            ties += 1;
            continue;
        }
        let here = row * ops..(row + 1) * ops;
        let what = format!("{what}, row {row}");
        assert_eq!(
            actual.code[here.clone()],
            expected.code[here.clone()],
            "{what}"
        );
        assert_close(
            &actual.weights[here.clone()],
            &expected.weights[here.clone()],
            1e-6,
            &what,
        );
        let inverse = 1.0 / config.temperature.min(1.0) as f32;
        assert_close_above(
            3e-7 * inverse,
            &actual.gradient[here.clone()],
            &expected.gradient[here],
            3e-5 * inverse,
            &what,
        );
    }
    assert!(ties * 50 <= rows + 50, "{what}: {ties} ties");
}

#[test]
fn kernels_match_the_oracle_on_extreme_logits() {
    let Some(device) = device() else { return };
    let key = NoiseKey::new(2, 2);
    let mut one_hot = vec![-80.0; 8];
    one_hot[3] = 80.0;
    let alternating: Vec<f32> = (0..8).map(|op| [80.0, -80.0][op % 2]).collect();
    let rows = [
        one_hot,
        alternating,
        vec![0.0; 8],
        vec![-80.0; 8],
        vec![1.5; 8],
    ];
    for activation in [Activation::Softmax, Activation::Relu] {
        let config = EgsConfig::new(7).with_activation(activation);
        let upstream = scattered(40, 1);
        compare(
            &device,
            config,
            8,
            &rows.concat(),
            &upstream,
            key,
            "extreme logits",
        );
    }
}

#[test]
fn kernels_match_the_plain_form_for_every_choice() {
    let Some(device) = device() else { return };
    let key = NoiseKey::new(3, 1);
    for (rows, ops, draws) in [(7, 3, 4), (5, 40, 7), (2, 300, 5)] {
        let logits: Vec<f32> = scattered(rows * ops, 4).iter().map(|x| x + 0.5).collect();
        let upstream = scattered(rows * ops, 5);
        for activation in [Activation::Softmax, Activation::Relu] {
            for (gradient, mode) in [
                (Gradient::TiedDraws, Mode::Hard),
                (Gradient::Marginal, Mode::Hard),
                (Gradient::GumbelRao { resamples: 3 }, Mode::Hard),
                (Gradient::FirstDraw, Mode::Relaxed),
            ] {
                let config = EgsConfig::new(draws)
                    .with_temperature(0.7)
                    .with_activation(activation)
                    .with_gradient(gradient)
                    .with_mode(mode);
                let what = format!("{rows} rows, {ops} ops, {config:?}");
                let shape = [rows, ops];
                let noise = || key.into();
                let expected = run::<Cpu>(
                    &Default::default(),
                    config,
                    shape,
                    &logits,
                    &upstream,
                    noise,
                );
                let noise = || key.into();
                let actual = run::<Bare>(&device, config, shape, &logits, &upstream, noise);
                assert_close(&actual.code, &expected.code, 1e-5, &what);
                assert_close(&actual.gradient, &expected.gradient, 5e-5, &what);
            }
        }
    }
}

#[test]
fn odd_logits_are_finite_and_the_same_as_on_the_host() {
    let Some(device) = device() else { return };
    let key = NoiseKey::new(1, 0);
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let rows = [
        [nan, 0.0, 1.0, -1.0],
        [nan, nan, nan, nan],
        [inf, 0.0, 1.0, -inf],
        [inf, inf, 0.0, 0.0],
        [-inf, -inf, -inf, -inf],
        [-1.0, -2.0, 0.0, -0.5],
    ]
    .concat();
    let upstream = scattered(24, 1);
    for activation in [Activation::Softmax, Activation::Relu] {
        let config = EgsConfig::new(3).with_activation(activation);
        let noise = || key.into();
        let expected = run::<Cpu>(&Default::default(), config, [6, 4], &rows, &upstream, noise);
        let noise = || key.into();
        let actual = run::<Bare>(&device, config, [6, 4], &rows, &upstream, noise);
        assert_eq!(actual.code, expected.code, "{activation:?}");
        assert_close(&actual.gradient, &expected.gradient, 1e-5, "odd logits");
    }
}

#[test]
fn noise_bits_are_those_of_the_host() {
    let Some(device) = device() else { return };
    for key in [
        NoiseKey::new(u64::MAX - 5, u32::MAX as u64).with_first_row(u32::MAX - 1),
        NoiseKey::new(1, 1 << 40),
    ] {
        let (rows, draws, ops) = (9, 5, 70);
        let actual = device_noise_bits::<GpuRuntime>(&device, key, [rows, draws, ops]).unwrap();
        let mut expected = Vec::new();
        for row in 0..rows {
            for draw in 0..draws {
                expected.extend((0..ops).map(|op| key.bits(row, draw, op)));
            }
        }
        assert_eq!(actual, expected);
    }
}

/// Ten million entries: the two devices may differ only where two scores are practically equal.
#[test]
fn codes_of_a_seed_agree_between_host_and_device() {
    let Some(device) = device() else { return };
    let (rows, ops, draws) = (1_250_000, 8, 2);
    let logits = scattered(rows * ops, 9);
    let key = NoiseKey::new(123, 4);
    let spec = spec(EgsConfig::new(draws));
    let here = Default::default();
    let host = values(Cpu::egs_forward(tensor(&logits, [rows, ops], &here), key.into(), spec).code);
    let there =
        values(Bare::egs_forward(tensor(&logits, [rows, ops], &device), key.into(), spec).code);
    let mut different = 0;
    for row in 0..rows {
        let at = row * ops..(row + 1) * ops;
        let wrong = (at.clone())
            .filter(|&entry| host[entry] != there[entry])
            .count();
        if wrong > 0 {
            different += wrong;
            let margin = oracle::solve(&oracle::Problem {
                config: EgsConfig::new(draws),
                ops,
                logits: &logits[at],
                noise: &key.with_first_row(row as u32).gumbel(1, draws, ops),
                upstream: &[0.0; 8],
            })
            .margin[0];
            assert!(
                margin < 1e-5,
                "row {row} differs with a margin of {margin:e}"
            );
        }
    }
    eprintln!("{different} of {} entries differ", rows * ops);
    assert!(
        different * 10_000 <= rows * ops,
        "{different} entries differ"
    );
}

#[test]
fn memory_does_not_grow_with_the_draws() {
    let Some(device) = device() else { return };
    let client = GpuRuntime::client(&device);
    let (rows, ops) = (512, 64);
    let held = |draws: usize| {
        let before = client.memory_usage().unwrap().bytes_in_use;
        let logits: Tensor<Bare, 2> = tensor(&scattered(rows * ops, 1), [rows, ops], &device);
        let sample = Bare::egs_forward(
            logits,
            NoiseKey::new(0, 0).into(),
            spec(EgsConfig::new(draws)),
        );
        Bare::sync(&device).unwrap();
        let after = client.memory_usage().unwrap().bytes_in_use;
        drop(sample);
        after - before
    };
    let few = held(2);
    let many = held(256);
    let entry = (rows * ops * 4) as u64;
    assert!(many <= few + entry, "{few} and {many} bytes");
    assert!(
        many < 8 * entry,
        "{many} bytes are more than a few tensors of the logits' size"
    );
}
