//! Telling the classes of images.

use std::collections::BTreeSet;

use burn::tensor::{ElementConversion, Tensor, backend::Backend};
use serde_json::Value;

use super::batch::Batch;
use super::loss::{class_score, class_sums, cross_entropy, smoothed_cross_entropy};
use super::{Augment, DataDescription, Dataset, TrainTest};
use crate::problem::{
    Classified, Fact, Metric, Phase, Problem, RngKey, Score, Showing, Split, Visit,
};
use crate::report::Sample;
use crate::showing::{Shrinking, denormalised, picture};
use crate::stream::{AHEAD, evaluation_lists, training_lists};
use crate::{Result, WorkbenchError};

/// A data set of images divided by purpose, the loss of telling their classes, and the share of mistakes.
#[derive(Debug, Clone)]
pub struct ImageProblem {
    name: String,
    weights: Dataset,
    logits: Option<Dataset>,
    validation: Option<Dataset>,
    test: Dataset,
    augment: Augment,
    /// Whether the images for logits are left as they are.
    plain_logits: bool,
    label_smoothing: f64,
    description: DataDescription,
    notes: Vec<String>,
}

/// Of a picture in a page, in pixels.
const LONGEST_SIDE: u32 = 96;

impl ImageProblem {
    /// The data of a search: the share `weights_fraction` of each class of the training images is for
    /// weights, the others are for logits and validation. `augment` is done to the images for weights and, as in DARTS'
    /// published search, to those for logits.
    ///
    /// # Errors
    ///
    /// When one of the two would have no image: the field `data.weights_fraction`.
    pub fn for_search(
        data: TrainTest,
        weights_fraction: f64,
        seed: u64,
        augment: Augment,
    ) -> Result<Self> {
        let divided = data.train.divide(weights_fraction, seed);
        let (weights, others) = divided.ok_or_else(|| {
            let images = data.train.len();
            let valid = format!("a share of {images} images of 1 or more, not all");
            WorkbenchError::field("data.weights_fraction", weights_fraction, &valid)
        })?;
        Ok(Self {
            logits: Some(others.clone()),
            validation: Some(others),
            ..Self::undivided(data, augment).with_weights(weights)
        })
    }

    /// The same data, with the images for logits as they are.
    pub fn with_plain_logits(self) -> Self {
        Self {
            plain_logits: true,
            ..self
        }
    }

    /// The data of a training: the share `validation` of each class of the training images is held out,
    /// none for 0. `augment` is done to the images for weights, and `label_smoothing` is the share of
    /// their labels that goes evenly to all classes.
    ///
    /// # Errors
    ///
    /// When no image would be left or held out: the field `data.validation`.
    pub fn for_training(
        data: TrainTest,
        validation: f64,
        seed: u64,
        augment: Augment,
        label_smoothing: f64,
    ) -> Result<Self> {
        let divided = match validation > 0.0 {
            true => Some(data.train.divide(1.0 - validation, seed).ok_or_else(|| {
                let valid = format!("0, or a share of {} images of 1 or more", data.train.len());
                WorkbenchError::field("data.validation", validation, &valid)
            })?),
            false => None,
        };
        let mut problem = Self {
            label_smoothing,
            ..Self::undivided(data, augment)
        };
        if let Some((weights, held_out)) = divided {
            problem = problem.with_weights(weights);
            problem.validation = Some(held_out);
        }
        Ok(problem)
    }

    /// Images to judge a network by, and none to train one.
    pub fn for_evaluation(test: Dataset) -> Self {
        let train = test.subset(&[]);
        Self::undivided(TrainTest { train, test }, Augment::default())
    }

    fn undivided(data: TrainTest, augment: Augment) -> Self {
        let TrainTest { train, test } = data;
        Self {
            name: test.name().into(),
            description: DataDescription::of(&train),
            notes: [train.notes(), test.notes()].concat(),
            weights: train,
            logits: None,
            validation: None,
            test,
            augment,
            plain_logits: false,
            label_smoothing: 0.0,
        }
    }

    fn with_weights(self, weights: Dataset) -> Self {
        Self { weights, ..self }
    }

    /// What is remembered of the training images.
    pub fn data(&self) -> &DataDescription {
        &self.description
    }

    /// The images for a purpose, if there are some.
    pub fn dataset(&self, split: Split) -> Option<&Dataset> {
        match split {
            Split::Weights => Some(&self.weights),
            Split::Logits => self.logits.as_ref(),
            Split::Validation => self.validation.as_ref(),
            Split::Test => Some(&self.test),
        }
    }

    /// Number of images for weights or for logits, whichever are fewer.
    pub fn smaller(&self) -> usize {
        let logits = self.logits.as_ref().map_or(usize::MAX, Dataset::len);
        self.weights.len().min(logits)
    }

    /// The changes to the images that are learned from.
    fn changes(&self, split: Split) -> Option<&Augment> {
        let changed = match split {
            Split::Weights => true,
            Split::Logits => !self.plain_logits,
            Split::Validation | Split::Test => false,
        };
        changed.then_some(&self.augment)
    }

    fn required(&self, split: Split) -> Result<&Dataset> {
        self.dataset(split).ok_or_else(|| self.missing(split))
    }

    fn missing(&self, split: Split) -> WorkbenchError {
        WorkbenchError::MissingSplit {
            name: self.name.clone(),
            split,
            examples: Self::EXAMPLES,
        }
    }
}

impl Problem for ImageProblem {
    type Batch<B: Backend> = Batch<B>;
    /// Class logits `[batch, classes]`.
    type Answer<B: Backend> = Tensor<B, 2>;

    const EXAMPLES: &'static str = "images";
    const UNREADABLE: [&'static str; 2] = ["image file", "image files"];
    const SHOWING: Showing = Showing {
        most: 16,
        text: "Test images as the network sees them and what it takes them for; they are picked by chance.",
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn metric(&self) -> Metric {
        Metric::ERROR
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
        let [channels, height, width] = self.weights.image_shape();
        let channels = match channels {
            1 => "1 channel".into(),
            channels => format!("{channels} channels"),
        };
        vec![("images", format!("{channels}, {height}x{width} pixels"))]
    }

    /// Their numbers where they have no names, of equal length so that they sort.
    fn classes(&self) -> Option<Vec<String>> {
        let names = self.test.class_names().map(<[String]>::to_vec);
        let count = self.test.classes();
        let width = count.saturating_sub(1).to_string().len();
        Some(names.unwrap_or_else(|| {
            let numbers = 0..count;
            numbers.map(|class| format!("{class:0width$}")).collect()
        }))
    }

    fn classified<B: Backend>(
        &self,
        logits: &Tensor<B, 2>,
        batch: &Batch<B>,
    ) -> Option<Classified<B>> {
        Some(Classified {
            truth: batch.labels.clone(),
            answered: logits.clone().argmax(1).flatten(0, 1),
        })
    }

    fn shown<B: Backend>(
        &self,
        logits: &Tensor<B, 2>,
        batch: &Batch<B>,
        at: usize,
    ) -> Option<Sample> {
        let image = batch.images.clone().narrow(0, at, 1).squeeze_dim(0);
        let image = denormalised(image, self.test.mean(), self.test.std())?;
        let name = |class: i64| {
            let names = self.classes().unwrap_or_default();
            let class = usize::try_from(class).ok();
            class.and_then(|class| names.get(class).cloned())
        };
        let answered = logits.clone().narrow(0, at, 1).argmax(1);
        let truth = batch.labels.clone().narrow(0, at, 1);
        Some(Sample::Labelled {
            picture: picture(&image, LONGEST_SIDE, Shrinking::Smooth)?,
            truth: name(truth.into_scalar().elem())?,
            answered: name(answered.into_scalar().elem())?,
        })
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn unreadable(&self) -> Vec<String> {
        let sets = [Some(&self.weights), self.logits.as_ref()];
        let others = [self.validation.as_ref(), Some(&self.test)];
        // Sets that were one share what is known of its files.
        let mut known = BTreeSet::new();
        let files = sets.into_iter().chain(others).flatten();
        files
            .flat_map(Dataset::corrupt_files)
            .filter(|file| known.insert(file.path.clone()))
            .map(|file| format!("{file}; another file stood in for it"))
            .collect()
    }

    fn description(&self) -> Value {
        self.description.to_json()
    }

    fn check(&self, before: &Value) -> Result<()> {
        let before = DataDescription::from_json(before, &self.name)?;
        before.check(&self.description, &self.name)
    }

    fn size(&self, split: Split) -> usize {
        self.dataset(split).map_or(0, Dataset::len)
    }

    fn read<B: Backend>(
        &self,
        split: Split,
        indices: &[usize],
        changed: Option<RngKey>,
        device: &B::Device,
    ) -> Result<Batch<B>> {
        let augment = changed.map(|_| &self.augment);
        // Only random changes read the key.
        let key = changed.unwrap_or(RngKey { seed: 0, epoch: 0 });
        let set = self.required(split)?;
        let mut batches = set.batches::<B>([indices], augment, key, 0, device);
        batches.next().unwrap_or_else(|| Err(self.missing(split)))
    }

    fn batches<B: Backend>(
        &self,
        visit: &Visit,
        device: &B::Device,
    ) -> impl Iterator<Item = Result<Batch<B>>> {
        let set = self.dataset(visit.split);
        let augment = self.changes(visit.split);
        let batches = set.map(|set| {
            let lists = training_lists(set.len(), visit);
            set.batches(lists, augment, visit.key, AHEAD, device)
        });
        batches.into_iter().flatten()
    }

    fn evaluation<B: Backend>(
        &self,
        split: Split,
        batch_size: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<impl Iterator<Item = Result<Batch<B>>>> {
        let set = self.required(split)?;
        let lists = evaluation_lists(set.len(), batch_size, seed);
        // Only random changes read the key.
        let key = RngKey { seed, epoch: 0 };
        Ok(set.batches::<B>(lists, None, key, AHEAD, device))
    }

    fn examples<B: Backend>(&self, batch: &Batch<B>) -> usize {
        batch.len()
    }

    fn loss<B: Backend>(
        &self,
        logits: &Tensor<B, 2>,
        batch: &Batch<B>,
        phase: Phase,
    ) -> Tensor<B, 1> {
        let (logits, labels) = (logits.clone(), batch.labels.clone());
        match phase {
            Phase::Training => smoothed_cross_entropy(logits, labels, self.label_smoothing),
            Phase::Evaluation => cross_entropy(logits, labels),
        }
    }

    /// Loss times images, mistakes, images.
    fn sums<B: Backend>(
        &self,
        logits: &Tensor<B, 2>,
        batch: &Batch<B>,
        loss: Tensor<B, 1>,
    ) -> Tensor<B, 1> {
        class_sums(logits.clone(), batch.labels.clone(), loss)
    }

    fn score(&self, sums: &[f64]) -> Score {
        class_score(sums)
    }
}

#[cfg(test)]
mod tests;
