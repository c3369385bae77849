use std::time::Instant;

use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use supernet::{DerivedConfig, DerivedNetwork, DropPath, ModelBackend, Statistics, TrainBackend};
use workbench::WorkbenchError;
use workbench::checkpoint::{self, RunMark};
use workbench::data::{
    AHEAD, Classes, CorruptNews, DataMark, Dataset, RngKey, Splits, epoch_order, index_batches,
};
use workbench::evaluate::{Score, score};
use workbench::files::{read_to_string, write_atomic};
use workbench::metrics::{self, JsonLines};
use workbench::optim::move_average;
use workbench::run::RunFolder;

use crate::step::Step;
use crate::{EpochRecord, FitConfig, FitOutcome, FitState, TrainError, write_curves};

/// Receives what a person or a log wants to know while a training runs.
pub trait Reporter {
    /// A step is done.
    fn step(&mut self);
    /// Something about the data that a person should know.
    fn note(&mut self, text: &str);
    /// An epoch is done.
    fn epoch(&mut self, record: &EpochRecord);
}

/// A training in its run folder: data, state, log.
pub struct Session<B: TrainBackend> {
    config: FitConfig,
    mark: RunMark,
    derived: DerivedConfig,
    data: Parts,
    folder: RunFolder,
    log: JsonLines,
    records: Vec<EpochRecord>,
    device: B::Device,
    state: FitState<B>,
}

struct Parts {
    train: Dataset,
    validation: Option<Dataset>,
    test: Dataset,
    /// Of all training images.
    mark: DataMark,
    /// What a person should know about how the set was read.
    notes: Vec<String>,
}

impl Parts {
    fn load(config: &FitConfig) -> Result<Self, TrainError> {
        let Splits { train, test } = config.load()?;
        let mark = DataMark::of(&train);
        let notes = [train.notes(), test.notes()].concat();
        let held_out = config.data.validation;
        let (train, validation) = if held_out > 0.0 {
            let parts = train.halves(1.0 - held_out, config.seed);
            let (train, held_out) = parts.ok_or_else(|| {
                let valid = format!("0, or a share of {} images of 1 or more", train.len());
                TrainError::field("data.validation", held_out, &valid)
            })?;
            (train, Some(held_out))
        } else {
            (train, None)
        };
        if config.fit.batch_size > train.len() {
            let valid = format!("2 to {}, the number of training images", train.len());
            return Err(TrainError::field(
                "fit.batch_size",
                config.fit.batch_size,
                &valid,
            ));
        }
        Ok(Self {
            train,
            validation,
            test,
            mark,
            notes,
        })
    }
}

impl Parts {
    fn all(&self) -> Vec<&Dataset> {
        let held_out = self.validation.iter();
        [&self.train, &self.test]
            .into_iter()
            .chain(held_out)
            .collect()
    }
}

impl<B: TrainBackend> Session<B> {
    /// Starts a training. `folder` makes the run folder; it is called when everything else is known
    /// to be in order, so that a refused training leaves nothing behind. `backend` names what it
    /// runs on.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded, does not fit the configuration, or the folder cannot be
    /// written.
    pub fn start(
        config: FitConfig,
        folder: impl FnOnce() -> workbench::Result<RunFolder>,
        backend: &str,
        device: &B::Device,
    ) -> Result<Self, TrainError> {
        let data = Parts::load(&config)?;
        let derived = config.derived(&data.train)?;
        let text = config.to_toml()?;
        let state = FitState::new(&config, &derived, device)?;
        let folder = folder()?;
        write_atomic(folder.config(), text)?;
        let log = JsonLines::create(folder.metrics())?;
        let mark = RunMark {
            fingerprint: config.fingerprint()?,
            backend: backend.into(),
            data: data.mark.clone(),
        };
        Ok(Self {
            mark,
            derived,
            config,
            data,
            folder,
            log,
            records: Vec::new(),
            device: device.clone(),
            state,
        })
    }

    /// Continues the training of a run folder from its last readable checkpoint, or from the start
    /// where there is none yet. Also returned is what a person should know about that.
    ///
    /// # Errors
    ///
    /// As [`Session::start`], and when the checkpoint belongs to another configuration or to other
    /// data.
    pub fn resume(
        folder: RunFolder,
        backend: &str,
        device: &B::Device,
    ) -> Result<(Self, Vec<String>), TrainError> {
        let config = read_config(&folder)?;
        let fingerprint = config.fingerprint()?;
        let loaded = checkpoint::load_latest(folder.path())?;
        // Checked before the log is touched: nothing already written is lost to a refusal.
        if let Some(loaded) = &loaded {
            loaded.check_config(&fingerprint)?;
        }
        let data = Parts::load(&config)?;
        if let Some(loaded) = &loaded {
            loaded.data()?.check(&data.mark, data.train.name())?;
        }
        let derived = config.derived(&data.train)?;
        let epoch = loaded.as_ref().map_or(0, |loaded| loaded.index as usize);
        let log =
            JsonLines::open_truncated_to(folder.metrics(), |r: &EpochRecord| r.epoch <= epoch)?;
        let mut state = FitState::new(&config, &derived, device)?;
        let mut notes = Vec::new();
        match loaded {
            Some(loaded) => {
                notes = loaded.notes(backend);
                state = state.restore(&loaded, device)?;
            }
            None => notes.push("no checkpoint was written yet: the training starts anew".into()),
        }
        let mark = RunMark {
            fingerprint,
            backend: backend.into(),
            data: data.mark.clone(),
        };
        let session = Self {
            mark,
            records: metrics::read(folder.metrics())?,
            derived,
            config,
            data,
            folder,
            log,
            device: device.clone(),
            state,
        };
        Ok((session, notes))
    }

    /// Steps of one epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.data.train.len() / self.config.fit.batch_size
    }

    /// Epochs finished.
    pub fn epoch(&self) -> usize {
        self.state.epoch
    }

    /// The configuration.
    pub fn config(&self) -> &FitConfig {
        &self.config
    }

    /// The run folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Trains to the end and scores the test images. Each finished epoch is logged, saved and then
    /// drawn, in this order, so that a run killed at any moment repeats at most the epoch it was in.
    ///
    /// # Errors
    ///
    /// When training diverges or the folder cannot be written; what was written stays.
    pub fn run(mut self, reporter: &mut impl Reporter) -> Result<FitOutcome, TrainError> {
        for note in &self.data.notes {
            reporter.note(note);
        }
        let mut news = CorruptNews::default();
        let fit = self.config.fit.clone();
        while self.state.epoch < fit.epochs && !self.state.is_patience_over(fit.patience) {
            let record;
            (self, record) = self.run_epoch(reporter)?;
            self.log.append(&record)?;
            self.records.push(record.clone());
            let saved = self.state.checkpoint(&self.mark)?;
            checkpoint::save(self.folder.path(), self.state.epoch as u64, &saved)?;
            write_curves(&self.folder, &self.records)?;
            reporter.epoch(&record);
            news.tell(&self.data.all(), |text| reporter.note(text));
        }
        // Again, for a run that was killed between its last checkpoint and its pictures.
        write_curves(&self.folder, &self.records)?;
        let outcome = self.outcome()?;
        news.tell(&self.data.all(), |text| reporter.note(text));
        news.count(|text| reporter.note(text));
        let text = serde_json::to_string_pretty(&outcome).map_err(json("the result"))?;
        write_atomic(self.folder.file("result.json"), text + "\n")?;
        Ok(outcome)
    }

    fn run_epoch(
        mut self,
        reporter: &mut impl Reporter,
    ) -> Result<(Self, EpochRecord), TrainError> {
        let begun = Instant::now();
        let (epoch, steps) = (self.state.epoch, self.steps_per_epoch());
        let (fit, weights) = (&self.config.fit, &self.config.weights);
        let key = RngKey {
            seed: self.config.seed,
            epoch: epoch as u64,
        };
        let order = epoch_order(self.data.train.len(), key.seed, key.epoch);
        let rate = DropPath::ramp(fit.drop_path, epoch, fit.epochs);
        let mut sums = Tensor::<B::InnerBackend, 1>::zeros([2], &self.device);
        let (mut learning_rate, mut left_out) = (0.0, 0);
        let mut state = self.state;
        let parts =
            index_batches(&order, fit.batch_size, true).flat_map(|step| cut(step, fit.parts));
        let augment = Some(&self.config.data.augment);
        let train = &self.data.train;
        let mut batches = train.batches::<B>(parts, augment, key, AHEAD, &self.device);
        for step in 0..steps {
            let index = epoch * steps + step;
            let (warm_up, all) = (weights.warmup_epochs * steps, fit.epochs * steps);
            learning_rate = weights
                .learning_rate
                .value_after_warm_up(index, warm_up, all);
            let drop_path = DropPath {
                rate,
                seed: key.seed,
                epoch: epoch as u32,
                step: step as u32,
                first: 0,
            };
            let step = Step {
                config: &self.config,
                drop_path,
                learning_rate,
            };
            let taken = step.take(state, batches.by_ref().take(fit.parts))?;
            state = taken.state;
            sums = sums + taken.measured;
            left_out += usize::from(!taken.moved);
            if let Some(average) = state.average.take() {
                let (model, decay) = (state.model.valid(), fit.average_decay);
                state.average = Some(move_average(average, &model, decay, index as u64));
            }
            reporter.step();
        }
        drop(batches);
        self.state = state;
        let sums: Vec<f64> = sums.into_data().iter::<f64>().collect();
        let train_loss = sums[0] / steps as f64;
        if !train_loss.is_finite() {
            return Err(TrainError::Diverged {
                loss: train_loss,
                epoch: epoch + 1,
            });
        }
        if left_out == steps {
            return Err(TrainError::Overflow { epoch: epoch + 1 });
        }
        if left_out > 0 {
            reporter.note(&format!(
                "{left_out} of {steps} steps were left out, as gradients overflowed"
            ));
        }
        let held_out = self.data.validation.as_ref();
        let validation = held_out
            .map(|data| self.score(&self.state.scored(), data))
            .transpose()?;
        let record = EpochRecord {
            epoch: epoch + 1,
            learning_rate,
            drop_path: rate,
            train_loss,
            train_error: 100.0 * sums[1] / steps as f64,
            validation_loss: validation.map(|score| score.loss),
            validation_error: validation.map(|score| score.error),
            seconds: begun.elapsed().as_secs_f64(),
        };
        self.state.finish_epoch(record.validation_error);
        Ok((self, record))
    }

    fn score(
        &self,
        network: &DerivedNetwork<B::InnerBackend>,
        data: &Dataset,
    ) -> Result<Score, TrainError> {
        score_network(network, data, self.config.fit.pass_size(), &self.device)
    }

    fn outcome(&self) -> Result<FitOutcome, TrainError> {
        let (network, result_epoch) = self.state.result();
        let test = self.score(&network, &self.data.test)?;
        let [_, height, width] = self.data.test.image_shape();
        let bare = DerivedConfig {
            auxiliary: false,
            ..self.derived.clone()
        };
        let layers = bare.layers(height, width)?;
        Ok(FitOutcome {
            name: self.config.name.clone(),
            data: self.config.data.set.to_string(),
            seed: self.config.seed,
            backend: self.mark.backend.clone(),
            epochs: self.state.epoch,
            result_epoch,
            weights: layers.iter().map(|layer| layer.weights).sum(),
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            test_loss: test.loss,
            test_error: test.error,
            genotype: self.config.genotype.to_string(),
            seconds: self.records.iter().map(|record| record.seconds).sum(),
        })
    }
}

/// Reads the configuration of a run.
///
/// # Errors
///
/// When the file is missing or not valid.
pub(crate) fn read_config(folder: &RunFolder) -> Result<FitConfig, TrainError> {
    let path = folder.config();
    let text = read_to_string(&path)?;
    FitConfig::resolve(Some((&path.display().to_string(), &text)), &[])
}

/// Scores a network with its running statistics.
///
/// # Errors
///
/// When an image file cannot be read.
pub(crate) fn score_network<B: ModelBackend>(
    network: &DerivedNetwork<B>,
    data: &Dataset,
    batch_size: usize,
    device: &B::Device,
) -> Result<Score, TrainError> {
    // The order does not matter to running statistics.
    score(data, batch_size, 0, device, |images, _| {
        Ok(network.forward(images, Statistics::Running))
    })
}

/// A step's indices in parts of nearly equal size.
fn cut(indices: &[usize], parts: usize) -> impl Iterator<Item = &[usize]> {
    let edge = move |part| part * indices.len() / parts;
    (0..parts).map(move |part| &indices[edge(part)..edge(part + 1)])
}

/// The network that a run's last checkpoint results in.
pub struct Trained<B: TrainBackend> {
    /// What it is.
    pub derived: DerivedConfig,
    /// As it is scored.
    pub network: DerivedNetwork<B::InnerBackend>,
    /// Epochs it was trained for.
    pub epoch: usize,
    /// What a person should know about the checkpoint.
    pub warning: Option<String>,
}

/// Reads the network that a run's last checkpoint results in.
///
/// # Errors
///
/// When the run has no readable checkpoint, or it was made with another configuration or with other
/// classes than its data set has now.
pub fn trained_network<B: TrainBackend>(
    folder: &RunFolder,
    config: &FitConfig,
    data: &Dataset,
    device: &B::Device,
) -> Result<Trained<B>, TrainError> {
    let Some(loaded) = checkpoint::load_latest(folder.path())? else {
        return Err(TrainError::NothingTrained {
            run: folder.path().to_path_buf(),
        });
    };
    loaded.check_config(&config.fingerprint()?)?;
    let classes = loaded.data()?.classes;
    classes.check(&Classes::of(data), data.name())?;
    let derived = config.derived(data)?;
    let state = FitState::<B>::new(config, &derived, device)?.restore(&loaded, device)?;
    let (network, epoch) = state.result();
    Ok(Trained {
        derived,
        network,
        epoch,
        warning: loaded.warning,
    })
}

/// An error of writing JSON.
pub(crate) fn json(what: &'static str) -> impl FnOnce(serde_json::Error) -> WorkbenchError {
    move |source| WorkbenchError::Json { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_index_once_in_order() {
        let parts: Vec<&[usize]> = cut(&[5, 3, 8, 1, 9], 2).collect();
        assert_eq!(parts, [&[5, 3][..], &[8, 1, 9]]);
    }
}
