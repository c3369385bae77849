//! How many images a second the loader prepares, as tensors on the CPU, with the changes of training:
//! the bundled MNIST-5k from memory, and 256 JPEG files of 256x256 pixels, made here, as images of
//! 224x224 from a folder. `in_turn` prepares a batch when it is asked for, `one_thread` the same with
//! decoding on one thread only, `ahead` on a thread that keeps the usual number of batches ready.
//!
//! ```sh
//! cargo bench -p workbench --bench loader
//! ```
//!
//! Nothing is computed between two batches, so `ahead` shows what the loader can deliver at most; the
//! gain in a training is that this goes on while the device works.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use burn_flex::Flex;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jpeg_encoder::{ColorType, Encoder};
use workbench::images::{Augment, Dataset, DatasetId, FolderOptions, load, load_with};
use workbench::stream::{AHEAD, Remainder, RngKey, index_batches, permutation};

const BATCH: usize = 32;
const FILES: usize = 256;
const SIDE: u16 = 256;

/// One pass over a set.
fn pass(set: &Dataset, augment: &Augment, ahead: usize) {
    let key = RngKey { seed: 0, epoch: 0 };
    let order = permutation(set.len(), key.seed, key.epoch);
    let lists = index_batches(&order, BATCH, Remainder::Keep);
    for batch in set.batches::<Flex>(lists, Some(augment), key, ahead, &Default::default()) {
        black_box(batch.expect("the files were written whole"));
    }
}

fn memory(criterion: &mut Criterion) {
    let set = load(DatasetId::Mnist5k, None)
        .expect("MNIST-5k is bundled")
        .train;
    let augment = Augment {
        crop_padding: 2,
        flip: false,
        cutout: 8,
    };
    let mut group = criterion.benchmark_group("mnist_5k");
    group.throughput(Throughput::Elements(set.len() as u64));
    for (name, ahead) in [("in_turn", 0), ("ahead", AHEAD)] {
        group.bench_function(name, |bencher| bencher.iter(|| pass(&set, &augment, ahead)));
    }
}

fn folder(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary folder");
    write_files(root.path());
    let options = FolderOptions::default();
    let data = load_with(DatasetId::Folder, Some(root.path()), &options);
    let set = data.expect("the files were written just now").train;
    let augment = Augment {
        flip: true,
        ..Augment::default()
    };
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one_thread = one_thread.expect("a thread");
    let mut group = criterion.benchmark_group("jpeg_folder");
    group.throughput(Throughput::Elements(set.len() as u64));
    group.bench_function("one_thread", |bencher| {
        bencher.iter(|| one_thread.install(|| pass(&set, &augment, 0)));
    });
    for (name, ahead) in [("in_turn", 0), ("ahead", AHEAD)] {
        group.bench_function(name, |bencher| bencher.iter(|| pass(&set, &augment, ahead)));
    }
}

/// Waves of three colours with some grain, which compress about as photographs do.
fn write_files(root: &Path) {
    // One more, because a folder must have an image to test by.
    for number in 0..=FILES {
        let pixel = |at: usize| {
            let (channel, column) = (at % 3, at / 3 % usize::from(SIDE));
            let (row, grain) = (at / 3 / usize::from(SIDE), at * 2_654_435_761 % 31);
            let wave = ((column * (channel + 1) + row + 7 * number) as f32 / 20.0).sin();
            (112.0 + 96.0 * wave) as u8 + grain as u8
        };
        let side = usize::from(SIDE);
        let pixels: Vec<u8> = (0..3 * side * side).map(pixel).collect();
        let folder = if number == FILES { "val" } else { "train" };
        let class = root.join(folder).join((number % 4).to_string());
        fs::create_dir_all(&class).expect("a writable folder");
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, 85)
            .encode(&pixels, SIDE, SIDE, ColorType::Rgb)
            .expect("an image of this size");
        fs::write(class.join(format!("{number}.jpg")), bytes).expect("room for the file");
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(10))
}

criterion_group! {
    name = benches;
    config = short();
    targets = memory, folder
}
criterion_main!(benches);
