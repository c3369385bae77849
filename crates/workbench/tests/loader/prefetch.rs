//! Batches prepared ahead against the same batches prepared in turn.

use std::thread;
use std::time::Duration;

use burn_flex::Flex;
use image::{Rgb, RgbImage};
use tempfile::TempDir;
use workbench::images::{
    Augment, Batch, Dataset, DatasetId, FolderOptions, OnCorrupt, load, load_with,
};
use workbench::stream::{Remainder, RngKey, index_batches, permutation};

use crate::files::{plain_png, png, write};

const KEY: RngKey = RngKey { seed: 11, epoch: 4 };
const AUGMENT: Augment = Augment {
    crop_padding: 2,
    flip: true,
    cutout: 3,
};

/// Twenty pictures of two classes, those of these numbers cut short.
fn pictures(corrupt: &[u32]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("val/0/x.png"), &plain_png([0; 3], [8, 8]));
    for number in 0..20 {
        let pixel = |column, row| Rgb([9 * number as u8, 6 * column as u8, 5 * row as u8]);
        let bytes = png(RgbImage::from_fn(20 + number, 25, pixel));
        let end = if corrupt.contains(&number) {
            bytes.len() / 2
        } else {
            bytes.len()
        };
        let name = format!("train/{}/{number:02}.png", number / 10);
        write(&root.path().join(name), &bytes[..end]);
    }
    root
}

fn open(root: &TempDir, on_corrupt: OnCorrupt) -> Dataset {
    let options = FolderOptions {
        size: 12,
        on_corrupt,
        ..FolderOptions::default()
    };
    load_with(DatasetId::Folder, Some(root.path()), &options)
        .unwrap()
        .train
}

/// Labels and pixels of a batch, an error as text.
type Values = Result<(Vec<i32>, Vec<f32>), String>;

/// Every batch of an epoch.
fn collect(set: &Dataset, ahead: usize) -> Vec<Values> {
    let order = permutation(set.len(), KEY.seed, KEY.epoch);
    let lists = index_batches(&order, 3, Remainder::Keep);
    let values = |batch: Batch<Flex>| {
        let labels = batch.labels.into_data().to_vec().unwrap();
        (labels, batch.images.into_data().to_vec().unwrap())
    };
    set.batches(lists, Some(&AUGMENT), KEY, ahead, &Default::default())
        .map(|batch| batch.map(values).map_err(|error| error.to_string()))
        .collect()
}

#[test]
fn batches_ahead_are_those_in_turn() {
    let digits = load(DatasetId::Digits, None).unwrap().test;
    let digits = digits.subset(&(0..50).collect::<Vec<_>>());
    let root = pictures(&[3, 4, 17]);
    for (set, count) in [(digits, 17), (open(&root, OnCorrupt::Skip), 7)] {
        let in_turn = collect(&set, 0);
        assert_eq!(in_turn.len(), count);
        assert!(in_turn.iter().all(Result::is_ok));
        for ahead in [1, 2, 50] {
            assert_eq!(collect(&set, ahead), in_turn, "{ahead} ahead");
        }
    }
    // A fresh set, so that what is known to be corrupt already makes no difference either.
    let again = collect(&open(&root, OnCorrupt::Skip), 2);
    assert_eq!(again, collect(&open(&root, OnCorrupt::Skip), 0));
}

#[test]
fn the_batches_are_those_of_the_single_call() {
    let set = load(DatasetId::Digits, None).unwrap().test;
    let order = permutation(set.len(), KEY.seed, KEY.epoch);
    let device = Default::default();
    let lists: Vec<_> = index_batches(&order, 100, Remainder::Keep).collect();
    let batches = set.batches::<Flex>(&lists, Some(&AUGMENT), KEY, 2, &device);
    for (batch, indices) in batches.zip(&lists) {
        let single = set.batch::<Flex>(indices, Some(&AUGMENT), KEY, &device);
        assert_eq!(batch.unwrap().images.into_data(), single.images.into_data());
    }
}

#[test]
fn an_error_comes_in_its_turn_and_is_the_last() {
    let root = pictures(&[6]);
    let set = open(&root, OnCorrupt::Stop);
    let order = permutation(set.len(), KEY.seed, KEY.epoch);
    let place = order.iter().position(|&index| index == 6).unwrap() / 3;
    assert!(place > 0, "the test wants whole batches before the error");
    for ahead in [0, 1, 4] {
        let batches = collect(&set, ahead);
        assert_eq!(batches.len(), place + 1, "{ahead} ahead");
        assert!(batches[..place].iter().all(Result::is_ok));
        let message = batches[place].as_ref().unwrap_err();
        assert!(message.contains("06.png"), "{message}");
    }
}

#[test]
fn of_several_corrupt_files_in_a_batch_the_first_is_named() {
    let root = pictures(&[2, 7, 12]);
    for _ in 0..5 {
        let set = open(&root, OnCorrupt::Stop);
        let lists = [vec![1, 12, 2, 7, 0]];
        let mut batches = set.batches::<Flex>(lists, None, KEY, 1, &Default::default());
        let message = batches.next().unwrap().unwrap_err().to_string();
        assert!(message.contains("12.png"), "{message}");
    }
}

#[test]
fn no_more_batches_are_prepared_than_asked_for() {
    // A corrupt file shows how far the thread has come: it is noted when it is met. This one is the
    // seventh; after the first three, the next three are prepared and no more.
    let root = pictures(&[6]);
    let set = open(&root, OnCorrupt::Skip);
    let lists = [0, 1, 2, 3, 4, 5, 6].map(|index| [index]);
    let mut batches = set.batches::<Flex>(lists, None, KEY, 3, &Default::default());
    assert_eq!(batches.by_ref().take(3).count(), 3);
    // Long enough for a thread without a bound to come to the end.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(set.corrupt_files(), []);
    assert_eq!(batches.count(), 4);
    assert_eq!(set.corrupt_files().len(), 1);
}

#[test]
#[should_panic(expected = "there is no image 20 among 20")]
fn an_index_beyond_the_set_is_refused_at_once() {
    let root = pictures(&[]);
    let set = open(&root, OnCorrupt::Stop);
    let _ = set.batches::<Flex>([[20]], None, KEY, 2, &Default::default());
}
