use std::time::Instant;

use burn::module::AutodiffModule;
use burn::tensor::Tensor;
use egs_core::NoiseKey;
use supernet::{
    Genotype, Statistics, SupernetConfig, TrainBackend, count_weights, derive_genotype,
};
use workbench::checkpoint::{self, RunMark};
use workbench::data::{
    AHEAD, CorruptNews, DataMark, Dataset, RngKey, Splits, epoch_order, index_batches,
};
use workbench::files::write_atomic;
use workbench::metrics::{self, JsonLines};
use workbench::run::RunFolder;

use crate::step::AlternatingStep;
use crate::{
    EpochRecord, Outcome, SearchConfig, SearchError, SearchState, Timing, score_child,
    score_supernet, write_reports,
};

/// Receives what a person or a log wants to know while a search runs.
pub trait Reporter {
    /// A step of an epoch is done. `loss` is given now and then, when it was read from the device.
    fn step(&mut self, epoch: usize, loss: Option<f64>);
    /// Something about the data that a person should know.
    fn note(&mut self, text: &str);
    /// An epoch is done.
    fn epoch(&mut self, record: &EpochRecord);
}

/// A search in its run folder: data, state, log.
pub struct Session<B: TrainBackend> {
    config: SearchConfig,
    mark: RunMark,
    /// What a person should know about how the data were read.
    notes: Vec<String>,
    supernet: SupernetConfig,
    weight_data: Dataset,
    alpha_data: Dataset,
    test_data: Dataset,
    folder: RunFolder,
    log: JsonLines,
    records: Vec<EpochRecord>,
    device: B::Device,
    state: SearchState<B>,
}

/// Of the normal and the reduction cell, `[edges][ops]`.
type Probabilities = [Vec<Vec<f64>>; 2];

/// The data of a search, divided, and the supernet that fits it.
struct Parts {
    supernet: SupernetConfig,
    weights: Dataset,
    alpha: Dataset,
    test: Dataset,
    /// Of all training images.
    mark: DataMark,
    /// What a person should know about how the set was read.
    notes: Vec<String>,
}

impl Parts {
    fn load(config: &SearchConfig) -> Result<Self, SearchError> {
        let splits = config.load()?;
        let supernet = config.supernet(&splits)?;
        let Splits { train, test } = splits;
        let mark = DataMark::of(&train);
        let notes = [train.notes(), test.notes()].concat();
        let division = train.halves(config.data.weights_fraction, config.seed);
        let (weights, alpha) = division.ok_or_else(|| config.no_division(&train))?;
        let smaller = weights.len().min(alpha.len());
        if config.search.batch_size > smaller {
            let valid = format!("2 to {smaller}, the images of the smaller part");
            let found = config.search.batch_size;
            return Err(SearchError::field("search.batch_size", found, &valid));
        }
        Ok(Self {
            supernet,
            weights,
            alpha,
            test,
            mark,
            notes,
        })
    }
}

/// Losses are read from the device this often; a read makes the device wait.
const READ_EVERY: usize = 8;

impl<B: TrainBackend> Session<B> {
    /// Starts a search. `folder` makes the run folder; it is called when everything else is known to
    /// be in order, so that a refused search leaves nothing behind. `backend` names what it runs on.
    ///
    /// # Errors
    ///
    /// When the data cannot be loaded, does not fit the configuration, or the folder cannot be
    /// written.
    pub fn start(
        config: SearchConfig,
        folder: impl FnOnce() -> workbench::Result<RunFolder>,
        backend: &str,
        device: &B::Device,
    ) -> Result<Self, SearchError> {
        let parts = Parts::load(&config)?;
        let text = config.to_toml()?;
        let folder = folder()?;
        write_atomic(folder.config(), text)?;
        let log = JsonLines::create(folder.metrics())?;
        Self::open(config, parts, folder, log, backend, device)
    }

    /// Continues the search of a run folder from its last readable checkpoint, or from the start
    /// where there is none yet. Also returned is what a person should know about that.
    ///
    /// # Errors
    ///
    /// As [`Session::start`], and when the checkpoint belongs to another configuration or to other
    /// data.
    pub fn resume(
        config: SearchConfig,
        folder: RunFolder,
        backend: &str,
        device: &B::Device,
    ) -> Result<(Self, Vec<String>), SearchError> {
        let loaded = checkpoint::load_latest(folder.path())?;
        let epoch = loaded.as_ref().map_or(0, |loaded| loaded.index as usize);
        // Checked before the log is touched: nothing already written is lost to a refusal.
        if let Some(loaded) = &loaded {
            loaded.check_config(&config.fingerprint()?)?;
        }
        let parts = Parts::load(&config)?;
        if let Some(loaded) = &loaded {
            loaded.data()?.check(&parts.mark, parts.test.name())?;
        }
        let log =
            JsonLines::open_truncated_to(folder.metrics(), |r: &EpochRecord| r.epoch <= epoch)?;
        let mut session = Self::open(config, parts, folder, log, backend, device)?;
        let mut notes = Vec::new();
        match loaded {
            Some(loaded) => {
                notes = loaded.notes(&session.mark.backend);
                let fingerprint = session.mark.fingerprint.clone();
                session.state = session.state.restore(&loaded, &fingerprint, device)?;
            }
            None => notes.push("no checkpoint was written yet: the search starts anew".into()),
        }
        Ok((session, notes))
    }

    fn open(
        config: SearchConfig,
        parts: Parts,
        folder: RunFolder,
        log: JsonLines,
        backend: &str,
        device: &B::Device,
    ) -> Result<Self, SearchError> {
        Ok(Self {
            records: metrics::read(folder.metrics())?,
            mark: RunMark {
                fingerprint: config.fingerprint()?,
                backend: backend.into(),
                data: parts.mark,
            },
            notes: parts.notes,
            state: SearchState::new(&config, &parts.supernet, device)?,
            config,
            supernet: parts.supernet,
            weight_data: parts.weights,
            alpha_data: parts.alpha,
            test_data: parts.test,
            folder,
            log,
            device: device.clone(),
        })
    }

    /// Steps of one epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.weight_data.len() / self.config.search.batch_size
    }

    /// Epochs finished.
    pub fn epoch(&self) -> usize {
        self.state.epoch
    }

    /// The configuration.
    pub fn config(&self) -> &SearchConfig {
        &self.config
    }

    /// The run folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Searches to the end. Each finished epoch is logged, saved and then drawn
    /// ([`write_reports`]), in this order, so that a run killed at any moment repeats at most the epoch it was in.
    ///
    /// # Errors
    ///
    /// When training diverges or the folder cannot be written; what was written stays.
    pub fn run(mut self, reporter: &mut impl Reporter) -> Result<Outcome, SearchError> {
        for note in &self.notes {
            reporter.note(note);
        }
        let mut news = CorruptNews::default();
        while self.state.epoch < self.config.search.epochs {
            let record;
            (self, record) = self.run_epoch(reporter)?;
            self.log.append(&record)?;
            self.records.push(record.clone());
            let saved = self.state.checkpoint(&self.mark)?;
            checkpoint::save(self.folder.path(), self.state.epoch as u64, &saved)?;
            write_reports(&self.folder, &self.supernet.space, &self.records)?;
            reporter.epoch(&record);
            news.tell(&self.sets(), |text| reporter.note(text));
        }
        // Again, for a run that was killed between its last checkpoint and its pictures.
        write_reports(&self.folder, &self.supernet.space, &self.records)?;
        let outcome = self.outcome()?;
        news.tell(&self.sets(), |text| reporter.note(text));
        news.count(|text| reporter.note(text));
        Ok(outcome)
    }

    fn sets(&self) -> [&Dataset; 3] {
        [&self.weight_data, &self.alpha_data, &self.test_data]
    }

    fn run_epoch(
        mut self,
        reporter: &mut impl Reporter,
    ) -> Result<(Self, EpochRecord), SearchError> {
        let begun = Instant::now();
        let (epoch, steps) = (self.state.epoch, self.steps_per_epoch());
        let search = &self.config.search;
        let learns = search.method.rules().learns && epoch >= search.warmup_epochs;
        let key = RngKey {
            seed: self.config.seed,
            epoch: epoch as u64,
        };
        let weight_order = epoch_order(self.weight_data.len(), key.seed, 2 * key.epoch);
        let alpha_order = epoch_order(self.alpha_data.len(), key.seed, 2 * key.epoch + 1);
        let weight_batches = self.weight_data.batches::<B>(
            index_batches(&weight_order, search.batch_size, true),
            Some(&self.config.data.augment),
            key,
            AHEAD,
            &self.device,
        );
        let mut alpha_batches = learns.then(|| {
            // The smaller half is gone through again where the other has more batches.
            let lists: Vec<&[usize]> =
                index_batches(&alpha_order, search.batch_size, true).collect();
            let lists = lists.iter().cycle().take(steps);
            self.alpha_data
                .batches::<B>(lists, None, key, AHEAD, &self.device)
        });

        let mut sums = Tensor::<B::InnerBackend, 1>::zeros([3], &self.device);
        let (mut temperature, mut learning_rate) = (0.0, 0.0);
        let mut state = self.state;
        for (step, weight_batch) in weight_batches.enumerate() {
            let weight_batch = weight_batch?;
            let index = epoch * steps + step;
            let progress = index as f64 / (search.epochs * steps - 1).max(1) as f64;
            temperature = search.temperature.value(progress);
            learning_rate = self.config.weights.learning_rate.value(progress);
            let alpha_batch = match &mut alpha_batches {
                Some(batches) => batches.next().transpose()?,
                None => None,
            };
            let taken = AlternatingStep {
                config: &self.config,
                index: index as u64,
                temperature,
                learning_rate,
            };
            let losses;
            (state, losses) = taken.take(state, weight_batch, alpha_batch)?;
            let architecture = losses
                .architecture
                .unwrap_or_else(|| losses.weights.zeros_like());
            let read = (step % READ_EVERY == 0).then(|| losses.weights.clone());
            sums = sums + Tensor::cat(vec![losses.weights, losses.mistakes, architecture], 0);
            reporter.step(epoch + 1, read.map(scalar));
        }
        self.state = state;
        let sums: Vec<f64> = sums.into_data().iter::<f64>().collect();
        let search_seconds = begun.elapsed().as_secs_f64();
        let train_loss = sums[0] / steps as f64;
        let architecture_loss = learns.then(|| sums[2] / steps as f64);
        for (what, value) in [
            ("training loss", Some(train_loss)),
            ("loss of the architecture step", architecture_loss),
        ] {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Err(SearchError::Diverged {
                    what,
                    value,
                    epoch: epoch + 1,
                });
            }
        }

        let validated = Instant::now();
        let (genotype, [normal, reduce]) = self.derive()?;
        let inner = self.state.supernet.valid();
        let supernet = score_supernet(
            &inner,
            &self.state.architecture.valid(),
            &self.alpha_data,
            &self.config,
            temperature,
            epoch as u64,
            &self.device,
        )?;
        let child = inner.inherit(&self.supernet, &genotype)?;
        let score = |statistics| {
            let (data, config) = (&self.alpha_data, &self.config);
            score_child(&child, data, config, statistics, &self.device)
        };
        let (child, running) = (score(Statistics::Batch)?, score(Statistics::Running)?);
        let kinds = if learns { 2 } else { 1 };
        let record = EpochRecord {
            epoch: epoch + 1,
            temperature,
            learning_rate,
            train_loss,
            train_error: 100.0 * sums[1] / (steps * self.config.search.batch_size) as f64,
            architecture_loss,
            supernet_loss: supernet.loss,
            supernet_error: supernet.error,
            child_loss: child.loss,
            child_error: child.error,
            gap: child.error - supernet.error,
            child_error_running: running.error,
            gap_running: running.error - supernet.error,
            entropy_normal: self.entropy(&normal),
            entropy_reduce: self.entropy(&reduce),
            genotype: genotype.to_string(),
            normal,
            reduce,
            timing: Timing {
                search_seconds,
                validation_seconds: validated.elapsed().as_secs_f64(),
                images_per_second: (kinds * steps * self.config.search.batch_size) as f64
                    / search_seconds,
            },
        };
        self.state.epoch += 1;
        Ok((self, record))
    }

    fn derive(&self) -> Result<(Genotype, Probabilities), SearchError> {
        let config = &self.config.architecture;
        let probabilities = self.state.architecture.valid().probabilities(config);
        let (rule, space) = (self.config.search.derive, &self.supernet.space);
        // Only an architecture at random reads the key, which no step and no evaluation has.
        let key = NoiseKey::new(!self.config.seed, u64::MAX);
        let (genotype, _) = derive_genotype(rule, &probabilities, space, config, key)?;
        Ok((genotype, probabilities))
    }

    /// Mean entropy of the estimator's rows, in nats.
    fn entropy(&self, probabilities: &[Vec<f64>]) -> f64 {
        let rows = self.config.architecture.rows(&self.supernet.space);
        let total: f64 = probabilities
            .iter()
            .flatten()
            .filter(|&&p| p > 0.0)
            .map(|&p| -p * p.ln())
            .sum();
        total / rows.len() as f64
    }

    fn outcome(&self) -> Result<Outcome, SearchError> {
        let (genotype, _) = self.derive()?;
        let inner = self.state.supernet.valid();
        let child = inner.inherit(&self.supernet, &genotype)?;
        let (data, config, device) = (&self.test_data, &self.config, &self.device);
        let test = score_child(&child, data, config, Statistics::Batch, device)?;
        let last = self.records.last().ok_or_else(|| {
            SearchError::field("search.epochs", 0, "1 or more: the log holds no epoch")
        })?;
        Ok(Outcome {
            name: config.name.clone(),
            method: config.search.method,
            data: config.data.set.to_string(),
            seed: config.seed,
            backend: self.mark.backend.clone(),
            epochs: last.epoch,
            supernet_weights: count_weights(&self.state.supernet),
            child_weights: count_weights(&child),
            supernet_error: last.supernet_error,
            child_error: last.child_error,
            gap: last.gap,
            child_error_running: last.child_error_running,
            gap_running: last.gap_running,
            child_test_error: test.error,
            genotype: genotype.to_string(),
            seconds: self
                .records
                .iter()
                .map(|r| r.timing.search_seconds + r.timing.validation_seconds)
                .sum(),
        })
    }
}

fn scalar<B: burn::tensor::backend::Backend>(value: Tensor<B, 1>) -> f64 {
    value.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}
