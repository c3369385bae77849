//! A search as the experiment of a session.

use std::time::Instant;

use burn::module::AutodiffModule;
use supernet::{Statistics, TrainBackend, count_weights};
use workbench::checkpoint::{Checkpoint, Loaded};
use workbench::machine::processor;
use workbench::problem::{Fact, Problem, Split, facts_of, steps_fact};
use workbench::record::{
    ChildCost, SearchEpoch, SearchOutcome, SearchTiming, SecondScore, SecondScoring,
};
use workbench::run_folder::RunFolder;
use workbench::session::{Ended, Experiment, Extension, Present, Reporter};
use workbench::showing::Listener;

use super::Search;
use crate::page::{answers, run_page};
use crate::plan::Budget;
use crate::report::{present, undecided_entropy};
use crate::step::Unwatched;
use crate::{SearchError, TrainTask, write_reports};

impl<B: TrainBackend, T: TrainTask<B>> Experiment for Search<B, T> {
    type Record = SearchEpoch;
    type Outcome = SearchOutcome;
    type Error = SearchError;
    type Data = T::Problem;
    const WHAT: &'static str = "search";

    fn data(&self) -> &T::Problem {
        &self.problem
    }

    /// Wherever it is resumed from, its data are where they were.
    fn config_toml(&self) -> Result<String, SearchError> {
        self.config.clone().with_absolute_root()?.to_toml()
    }

    fn fingerprint(&self) -> Result<String, SearchError> {
        self.config.fingerprint()
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = facts_of(&self.problem);
        facts.push(steps_fact(&self.starts));
        if self.config.search.method.rules().learns {
            let undecided = undecided_entropy(&self.config);
            let entropy = format!("{undecided:.2} nats where nothing is decided, 0 where all is");
            facts.push(("entropy", entropy));
        }
        facts
    }

    fn extension(&self) -> Option<&Extension> {
        self.config.extension.as_ref()
    }

    fn epoch(&self) -> usize {
        self.state.epoch
    }

    fn is_finished(&self) -> bool {
        self.state.epoch >= self.config.search.epochs
    }

    fn run_epoch(
        self,
        reporter: &mut impl Reporter<SearchEpoch>,
    ) -> Result<(Self, SearchEpoch), SearchError> {
        let (mut search, trained) = self.train_epoch(reporter, &mut Unwatched)?;
        let validated = Instant::now();
        let epoch = search.state.epoch;
        let (genotype, probabilities) = search.derive()?;
        let inner = search.state.supernet.valid();
        let scoring = search.scoring();
        let supernet = scoring.supernet(
            &inner,
            &search.state.architecture.valid(),
            trained.temperature,
            epoch as u64,
        )?;
        let child = search.task.inherit(&inner, &genotype)?;
        let second = |child: &T::Child<B::InnerBackend>, statistics| {
            let score = scoring.child(child, Split::Validation, statistics)?;
            let (child, gap) = (score.value, score.value - supernet.value);
            Ok::<_, SearchError>(SecondScore {
                scoring: T::SECOND_SCORING,
                child,
                gap,
            })
        };
        let inherited = scoring.child(&child, Split::Validation, Statistics::Batch)?;
        let second = match T::SECOND_SCORING {
            SecondScoring::Running => Some(second(&child, Statistics::Running)?),
            // States that nothing holds may grow without bound, and the search is not at fault.
            SecondScoring::Unnormalised => {
                let plain = second(&search.task.unnormalised(child), Statistics::Batch)?;
                plain.child.is_finite().then_some(plain)
            }
        };
        let record = SearchEpoch {
            epoch: epoch + 1,
            temperature: trained.temperature,
            learning_rate: trained.learning_rate,
            metric: search.problem.metric(),
            train: trained.train,
            architecture_loss: trained.architecture_loss,
            supernet,
            child: inherited,
            gap: inherited.value - supernet.value,
            second,
            cells: search.cells(probabilities),
            genotype: genotype.to_string(),
            timing: SearchTiming {
                search_seconds: trained.search_seconds,
                validation_seconds: validated.elapsed().as_secs_f64(),
                examples_per_second: trained.examples_per_second,
            },
        };
        search.state.epoch += 1;
        Ok((search, record))
    }

    fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint, SearchError> {
        self.state.save(checkpoint)
    }

    fn restore(mut self, loaded: &Loaded) -> Result<Self, SearchError> {
        self.state = self.state.restore(loaded, &self.device)?;
        Ok(self)
    }

    fn present(&self, records: &[SearchEpoch]) -> Present {
        present(&self.config, records)
    }

    fn write_reports(
        &self,
        folder: &RunFolder,
        records: &[SearchEpoch],
    ) -> Result<(), SearchError> {
        write_reports(folder, &self.config, &self.genotype()?, records)
    }

    fn write_page(&self, folder: &RunFolder) -> Result<(), SearchError> {
        Ok(workbench::report::write_page(
            folder,
            &run_page(folder, &self.config)?,
        )?)
    }

    /// The child with inherited weights, where the task exports it.
    fn write_product(&self, folder: &RunFolder) -> Result<(), SearchError> {
        let genotype = self.genotype()?;
        let child = self.child(&genotype)?;
        let exported = self
            .task
            .export_child(&self.config, &self.problem, &genotype, &child);
        exported.map_or(Ok(()), |exported| exported?.write(&folder.child()))
    }

    fn outcome(
        &self,
        backend: &str,
        records: &[SearchEpoch],
    ) -> Result<Ended<SearchOutcome>, SearchError> {
        let genotype = self.genotype()?;
        let child = self.child(&genotype)?;
        let (problem, mut listener) = (&self.problem, Listener::new(&self.problem));
        let heard = |answer: &_, batch: &_| listener.hear(problem, answer, batch);
        let test = self
            .scoring()
            .child_heard(&child, Split::Test, Statistics::Batch, heard)?;
        let last = records.last().ok_or_else(|| {
            SearchError::field("search.epochs", 0, "1 or more: the log holds no epoch")
        })?;
        let config = &self.config;
        let outcome = SearchOutcome {
            name: config.name.clone(),
            task: T::NAME.into(),
            method: config.search.method.to_string(),
            data: T::data_name(config),
            seed: config.seed,
            backend: backend.into(),
            processor: Some(processor()),
            epochs: last.epoch,
            temperature: Some(config.search.temperature),
            metric: self.problem.metric(),
            supernet_weights: count_weights(&self.state.supernet),
            child_weights: count_weights(&child),
            child_cost: self
                .budget
                .as_ref()
                .map(|Budget { costs, most }| ChildCost {
                    of: config.alpha.cost.name().into(),
                    child: costs.of(&genotype, &config.space),
                    budget: *most,
                }),
            supernet: last.supernet.value,
            child: last.child.value,
            gap: last.gap,
            second: last.second,
            child_test: test.value,
            genotype: genotype.to_string(),
            seconds: records
                .iter()
                .map(|r| r.timing.search_seconds + r.timing.validation_seconds)
                .sum(),
        };
        let answers = answers(problem, listener);
        Ok(Ended { outcome, answers })
    }
}
