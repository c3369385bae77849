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

use burn_flex::Flex;
use divan::Bencher;
use divan::counter::ItemsCount;
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

/// Measures passes over a set.
fn measure(bencher: Bencher, set: &Dataset, pass: impl Fn(&Dataset)) {
    bencher
        .counter(ItemsCount::new(set.len()))
        .bench_local(|| pass(set));
}

#[divan::bench_group(sample_count = 10, min_time = 10)]
mod mnist_5k {
    use super::*;

    fn run(bencher: Bencher, ahead: usize) {
        let data = load(DatasetId::Mnist5k, None).expect("MNIST-5k is bundled");
        let augment = Augment {
            crop_padding: 2,
            flip: false,
            cutout: 8,
        };
        measure(bencher, &data.train, |set| pass(set, &augment, ahead));
    }

    #[divan::bench]
    fn in_turn(bencher: Bencher) {
        run(bencher, 0);
    }

    #[divan::bench]
    fn ahead(bencher: Bencher) {
        run(bencher, AHEAD);
    }
}

#[divan::bench_group(sample_count = 10, min_time = 10)]
mod jpeg_folder {
    use super::*;

    const AUGMENT: Augment = Augment {
        crop_padding: 0,
        flip: true,
        cutout: 0,
    };

    fn run(bencher: Bencher, pass: impl Fn(&Dataset)) {
        let root = tempfile::tempdir().expect("a temporary folder");
        write_files(root.path());
        let options = FolderOptions::default();
        let data = load_with(DatasetId::Folder, Some(root.path()), &options);
        let data = data.expect("the files were written just now");
        measure(bencher, &data.train, pass);
    }

    #[divan::bench]
    fn one_thread(bencher: Bencher) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.expect("a thread");
        run(bencher, |set| pool.install(|| pass(set, &AUGMENT, 0)));
    }

    #[divan::bench]
    fn in_turn(bencher: Bencher) {
        run(bencher, |set| pass(set, &AUGMENT, 0));
    }

    #[divan::bench]
    fn ahead(bencher: Bencher) {
        run(bencher, |set| pass(set, &AUGMENT, AHEAD));
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

fn main() {
    divan::main();
}
