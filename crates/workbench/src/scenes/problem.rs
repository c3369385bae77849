//! Telling the class of every pixel.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Int, Tensor, backend::Backend};
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use super::batch::SceneBatch;
use super::colours::class_colour;
use super::loss::{pixel_counts, pixel_cross_entropy};
use super::prepare::Preparation;
use super::set::{SceneSet, SceneTrainTest};
use super::{ClassWeights, IGNORED, SceneChanges};
use crate::images::DataDescription;
use crate::problem::{
    Classified, Confusion, Fact, Metric, Phase, Problem, RngKey, Score, Showing, Split, Visit,
};
use crate::report::{Panel, Sample};
use crate::showing::{Shrinking, denormalised, picture};
use crate::stream::{AHEAD, Prefetch, cut, evaluation_lists, training_lists};
use crate::{Result, WorkbenchError};

/// A data set of scenes divided by purpose, the loss of telling the class of every pixel, and the mean
/// intersection over union.
///
/// What is learned from are crops of one size; what judges are whole images at their own size, of which a
/// batch has those of one size.
#[derive(Debug, Clone)]
pub struct SceneProblem {
    name: String,
    class_names: Vec<String>,
    weights: SceneSet,
    logits: Option<SceneSet>,
    validation: Option<SceneSet>,
    test: SceneSet,
    /// None where nothing is learned.
    changes: Option<SceneChanges>,
    class_weights: Option<Vec<f32>>,
    description: DataDescription,
    notes: Vec<String>,
}

/// Of a picture in a page, in pixels.
const LONGEST_SIDE: u32 = 192;

impl SceneProblem {
    /// The data of a search: the share `weights_fraction` of the training images is for weights, the others
    /// are for logits and validation. Both are changed in the same way when something is learned from them.
    ///
    /// # Errors
    ///
    /// When one of the two would have no image: the field `data.weights_fraction`.
    pub fn for_search(
        data: SceneTrainTest,
        weights_fraction: f64,
        seed: u64,
        changes: SceneChanges,
    ) -> Result<Self> {
        let (weights, others) = data.train.divide(weights_fraction, seed).ok_or_else(|| {
            let valid = format!(
                "a share of {} images of 1 or more, not all",
                data.train.len()
            );
            WorkbenchError::field("data.weights_fraction", weights_fraction, &valid)
        })?;
        Ok(Self {
            logits: Some(others.clone()),
            validation: Some(others),
            weights,
            ..Self::undivided(data, Some(changes))
        })
    }

    /// The data of a training: the share `validation` of the training images is held out, none for 0.
    ///
    /// # Errors
    ///
    /// When no image would be left or held out: the field `data.validation`.
    pub fn for_training(
        data: SceneTrainTest,
        validation: f64,
        seed: u64,
        changes: SceneChanges,
    ) -> Result<Self> {
        if validation == 0.0 {
            return Ok(Self::undivided(data, Some(changes)));
        }
        let (weights, held_out) = data.train.divide(1.0 - validation, seed).ok_or_else(|| {
            let valid = format!("0, or a share of {} images of 1 or more", data.train.len());
            WorkbenchError::field("data.validation", validation, &valid)
        })?;
        Ok(Self {
            weights,
            validation: Some(held_out),
            ..Self::undivided(data, Some(changes))
        })
    }

    /// Images to judge a network by, and none to train one.
    pub fn for_evaluation(test: SceneSet) -> Self {
        let train = test.subset(&[]);
        Self::undivided(SceneTrainTest { train, test }, None)
    }

    /// The same problem, with pixels of the classes that count as much as this says when it is learned.
    ///
    /// # Errors
    ///
    /// When a mask cannot be read or the weights are not of these classes: the field `data.class_weights`.
    pub fn weighted(self, weights: &ClassWeights) -> Result<Self> {
        let class_weights = weights.of(&self.weights)?;
        Ok(Self {
            class_weights,
            ..self
        })
    }

    fn undivided(data: SceneTrainTest, changes: Option<SceneChanges>) -> Self {
        let SceneTrainTest { train, test } = data;
        Self {
            name: test.name().into(),
            class_names: test.class_names().to_vec(),
            description: train.describe(),
            notes: [train.notes(), test.notes()].concat(),
            weights: train,
            logits: None,
            validation: None,
            test,
            changes,
            class_weights: None,
        }
    }

    /// What is remembered of the training images.
    pub fn data(&self) -> &DataDescription {
        &self.description
    }

    /// The scenes for a purpose, if there are some.
    pub fn scenes(&self, split: Split) -> Option<&SceneSet> {
        match split {
            Split::Weights => Some(&self.weights),
            Split::Logits => self.logits.as_ref(),
            Split::Validation => self.validation.as_ref(),
            Split::Test => Some(&self.test),
        }
    }

    /// Number of images for weights or for logits, whichever are fewer.
    pub fn smaller(&self) -> usize {
        let logits = self.logits.as_ref().map_or(usize::MAX, SceneSet::len);
        self.weights.len().min(logits)
    }

    fn required(&self, split: Split) -> Result<&SceneSet> {
        self.scenes(split)
            .ok_or_else(|| WorkbenchError::MissingSplit {
                name: self.name.clone(),
                split,
                examples: Self::EXAMPLES,
            })
    }

    /// Batches of these lists, which a thread of its own makes ahead.
    fn prepared<B: Backend>(
        set: &SceneSet,
        lists: Vec<Vec<usize>>,
        how: Preparation,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<SceneBatch<B>>> + use<B> {
        let (set, device) = (set.clone(), device.clone());
        let prepared = Prefetch::new(lists.len(), AHEAD, move |number| {
            set.prepare(&lists[number], how)
        });
        prepared.map(move |batch| Ok(batch?.upload(&device)))
    }

    /// Classes `[height, width]` in their colours, and which class has which colour.
    fn painted<B: Backend>(&self, classes: Tensor<B, 2, Int>) -> (RgbImage, Vec<(String, String)>) {
        let [height, width] = classes.dims();
        let classes: Vec<u8> = classes
            .into_data()
            .iter::<i64>()
            .map(|class| class as u8)
            .collect();
        let image = RgbImage::from_fn(width as u32, height as u32, |x, y| {
            Rgb(class_colour(classes[y as usize * width + x as usize]))
        });
        let present: BTreeSet<u8> = classes.iter().copied().collect();
        let named = |class: u8| {
            let [red, green, blue] = class_colour(class);
            let name = self.class_names.get(usize::from(class));
            let name = name.map_or("not counted", String::as_str);
            (name.to_string(), format!("#{red:02x}{green:02x}{blue:02x}"))
        };
        (image, present.into_iter().map(named).collect())
    }

    /// What [`sums`](Problem::sums) counted.
    fn counted(&self, counts: &[f64]) -> Confusion {
        let classes = self.class_names.len();
        let mut confusion = Confusion::new(self.class_names.clone());
        for (at, &times) in counts.iter().enumerate().filter(|(_, times)| **times > 0.0) {
            confusion.count_many(at / classes, at % classes, times as u64);
        }
        confusion
    }
}

/// Cuts a fixed mixed order of the images into batches of one size each, of nearly equal length.
fn lists_of_one_size(set: &SceneSet, batch_size: usize, seed: u64) -> Result<Vec<Vec<usize>>> {
    let order = evaluation_lists(set.len(), set.len().max(1), seed).concat();
    let mut by_size: BTreeMap<[usize; 2], Vec<usize>> = BTreeMap::new();
    for index in order {
        by_size.entry(set.sides(index)?).or_default().push(index);
    }
    let batches = |group: &Vec<usize>| group.len().div_ceil(batch_size);
    let groups = by_size.values();
    Ok(groups
        .flat_map(|group| cut(group, batches(group)).map(<[usize]>::to_vec))
        .collect())
}

impl Problem for SceneProblem {
    type Batch<B: Backend> = SceneBatch<B>;
    /// Class logits `[batch, classes, height, width]` at the size of the images.
    type Answer<B: Backend> = Tensor<B, 4>;

    const EXAMPLES: &'static str = "images";
    const CLASSIFIED: &'static str = "pixels";
    const SHOWING: Showing = Showing {
        most: 6,
        text: "Test images, their true classes and what the network takes their pixels for.",
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn metric(&self) -> Metric {
        Metric::MEAN_IOU
    }

    /// What judges while a search goes on are the images of the logits.
    fn parts(&self) -> Vec<(String, usize)> {
        let validation = match self.logits {
            Some(_) => ("logits and validation", &self.logits),
            None => ("validation", &self.validation),
        };
        let mut parts = vec![("weights".into(), self.weights.len())];
        if let (name, Some(set)) = validation {
            parts.push((name.into(), set.len()));
        }
        parts.push(("test".into(), self.test.len()));
        parts
    }

    fn facts(&self) -> Vec<Fact> {
        let Some(changes) = &self.changes else {
            return Vec::new();
        };
        let crop = changes.crop;
        let mut facts = vec![(
            "images",
            format!("3 channels, crops of {crop}x{crop} pixels; judged at their own size"),
        )];
        if let Some(weights) = &self.class_weights {
            let named = self.class_names.iter().zip(weights);
            let (least, most) = (
                named.clone().min_by(|a, b| a.1.total_cmp(b.1)),
                named.max_by(|a, b| a.1.total_cmp(b.1)),
            );
            if let (Some((least, low)), Some((most, high))) = (least, most) {
                let text = format!("pixels count {low:.3} ({least}) to {high:.3} ({most})");
                facts.push(("loss", text));
            }
        }
        facts
    }

    fn classes(&self) -> Option<Vec<String>> {
        Some(self.class_names.clone())
    }

    fn classified<B: Backend>(
        &self,
        logits: &Tensor<B, 4>,
        batch: &SceneBatch<B>,
    ) -> Option<Classified<B>> {
        let pixels = [batch.masks.shape().num_elements()];
        let truth = batch.masks.clone().reshape(pixels);
        let ignored = truth.clone().equal_elem(IGNORED);
        Some(Classified {
            truth: truth.mask_fill(ignored, -1),
            answered: logits.clone().argmax(1).reshape(pixels),
        })
    }

    fn shown<B: Backend>(
        &self,
        logits: &Tensor<B, 4>,
        batch: &SceneBatch<B>,
        at: usize,
    ) -> Option<Sample> {
        let image = batch.images.clone().narrow(0, at, 1).squeeze_dim(0);
        let image = denormalised(image, &self.test.mean(), &self.test.std())?;
        let truth = batch.masks.clone().narrow(0, at, 1).squeeze_dim(0);
        let answered = logits.clone().narrow(0, at, 1).argmax(1);
        let answered: Tensor<B, 2, Int> = answered.squeeze_dims(&[0, 1]);
        let panel = |name: &str, image: &RgbImage, shrinking, key| {
            let picture = picture(image, LONGEST_SIDE, shrinking)?;
            let name = name.into();
            Some(Panel { name, picture, key })
        };
        let painted = |name: &str, classes| {
            let (image, key) = self.painted(classes);
            panel(name, &image, Shrinking::Exact, key)
        };
        Some(Sample::Panels {
            panels: vec![
                panel("image", &image, Shrinking::Smooth, Vec::new())?,
                painted("true", truth)?,
                painted("answered", answered)?,
            ],
        })
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn description(&self) -> Value {
        json!(self.description)
    }

    fn check(&self, before: &Value) -> Result<()> {
        let before = DataDescription::from_json(before, &self.name)?;
        before.check(&self.description, &self.name)
    }

    fn size(&self, split: Split) -> usize {
        self.scenes(split).map_or(0, SceneSet::len)
    }

    /// Images that are not changed must be of one size.
    fn read<B: Backend>(
        &self,
        split: Split,
        indices: &[usize],
        changed: Option<RngKey>,
        device: &B::Device,
    ) -> Result<SceneBatch<B>> {
        let how = match (changed, self.changes) {
            (Some(key), Some(changes)) => Preparation::Changed(changes, key),
            _ => Preparation::Plain,
        };
        Ok(self.required(split)?.prepare(indices, how)?.upload(device))
    }

    fn batches<B: Backend>(
        &self,
        visit: &Visit,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<SceneBatch<B>>> {
        let set = self.scenes(visit.split).zip(self.changes);
        let batches = set.map(|(set, changes)| {
            let lists = training_lists(set.len(), visit);
            Self::prepared(set, lists, Preparation::Changed(changes, visit.key), device)
        });
        batches.into_iter().flatten()
    }

    /// Whole images at their own size; those of a batch have one size.
    fn evaluation<B: Backend>(
        &self,
        split: Split,
        batch_size: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<impl Iterator<Item = Result<SceneBatch<B>>>> {
        let set = self.required(split)?;
        let lists = lists_of_one_size(set, batch_size, seed)?;
        Ok(Self::prepared::<B>(set, lists, Preparation::Plain, device))
    }

    fn examples<B: Backend>(&self, batch: &SceneBatch<B>) -> usize {
        batch.len()
    }

    fn loss<B: Backend>(
        &self,
        logits: &Tensor<B, 4>,
        batch: &SceneBatch<B>,
        phase: Phase,
    ) -> Tensor<B, 1> {
        let class_weights = match phase {
            Phase::Training => self.class_weights.as_deref(),
            Phase::Evaluation => None,
        };
        pixel_cross_entropy(logits.clone(), batch.masks.clone(), class_weights)
    }

    /// Loss times the pixels that count, then pixels by true class and the one answered.
    fn sums<B: Backend>(
        &self,
        logits: &Tensor<B, 4>,
        batch: &SceneBatch<B>,
        loss: Tensor<B, 1>,
    ) -> Tensor<B, 1> {
        let answered: Tensor<B, 3, Int> = logits.clone().detach().argmax(1).squeeze_dim(1);
        let counts = pixel_counts(answered, batch.masks.clone(), self.class_names.len());
        let loss = loss.detach() * counts.clone().sum();
        Tensor::cat(vec![loss, counts], 0)
    }

    fn score(&self, sums: &[f64]) -> Score {
        let (loss, counts) = sums.split_first().unwrap_or((&f64::NAN, &[]));
        let pixels: f64 = counts.iter().sum();
        Score {
            loss: loss / pixels,
            value: self.counted(counts).mean_iou().unwrap_or(f64::NAN),
        }
    }

    fn class_score(&self, confusion: &Confusion, class: usize) -> Option<f64> {
        confusion.iou(class)
    }

    fn class_facts(&self, confusion: &Confusion) -> Vec<Fact> {
        let accuracy = confusion.accuracy();
        let accuracy = accuracy.map(|share| ("pixel accuracy", format!("{share:.2} %")));
        accuracy.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
