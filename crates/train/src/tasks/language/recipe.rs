use std::path::PathBuf;

use burn::tensor::{Tensor, backend::Backend};
use supernet::kernels::log_likelihood;
use supernet::recurrent::{
    CellMasks, HiddenState, LanguageConfig, LanguageMasks, LanguageNetwork, RecurrentOperation,
};
use supernet::{ModelBackend, Statistics, WeightInit};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::optim::non_monotone_trigger;
use workbench::problem::Score;
use workbench::report::{Block, Chapter};
use workbench::text::{
    Dropout, DropoutKey, LanguageData, LanguageProblem, MaskSize, Masks, Regularisation,
    SHORTHANDS, SequenceBatch,
};

use super::config::{CellKind, LanguageFit, LanguageSection, validate};
use super::sample::passages;
use crate::recipe::{Answered, PassContext, Recipe, Size};
use crate::{Averaging, FitConfig, TrainError};

/// Recurrent networks on text, with variational dropout and penalties of their states. The hidden state
/// goes from one sequence of an epoch to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct LanguageRecipe {
    /// The network.
    pub network: LanguageConfig,
    /// What is dropped in training.
    pub dropout: Dropout,
    /// What is added to the loss in training.
    pub regularisation: Regularisation,
}

impl Recipe for LanguageRecipe {
    const NAME: &'static str = "language";
    const DEFAULTS: &'static str = include_str!("../../../../../configs/fit-austen.toml");
    const SHORTHANDS: &'static [Shorthand] = SHORTHANDS;
    const DATA_SOURCE: &'static [&'static str] = &["set", "root", "text"];

    type Problem = LanguageProblem;
    type Op = RecurrentOperation;
    type Data = LanguageData;
    type Network = LanguageSection;
    type Fit = LanguageFit;
    type Model<B: ModelBackend> = LanguageNetwork<B>;
    /// The state of each pass's own streams.
    type Carry<B: Backend> = Option<HiddenState<B>>;

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        Ok(LanguageData::defaults_for(stated))
    }

    fn validate(config: &FitConfig<Self>) -> Result<(), TrainError> {
        validate(config)
    }

    fn data_root(data: &mut LanguageData) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    fn run_name(config: &FitConfig<Self>) -> String {
        match config.network.cell {
            CellKind::Derived => format!("fit-{}", config.data.set),
            CellKind::Lstm => format!("fit-{}-lstm", config.data.set),
        }
    }

    fn open(config: &FitConfig<Self>) -> Result<(Self, LanguageProblem), TrainError> {
        let data = &config.data;
        let problem = LanguageProblem::for_training(data.load()?, data.sequences, data.evaluation)?;
        problem.check_streams("fit.batch_size", config.fit.batch_size)?;
        let words = problem.corpus().vocabulary().len();
        let recipe = Self {
            network: config.network.network(&config.genotype, words),
            dropout: config.network.dropout,
            regularisation: config.network.regularisation,
        };
        recipe.network.validate()?;
        Ok((recipe, problem))
    }

    fn init<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<LanguageNetwork<B>, TrainError> {
        Ok(self.network.init::<B>(init, device)?)
    }

    fn pass<B: ModelBackend>(
        &self,
        model: &LanguageNetwork<B>,
        batch: &SequenceBatch<B>,
        carry: Option<HiddenState<B>>,
        context: &PassContext<'_, Self>,
    ) -> Answered<Self, B> {
        let key = DropoutKey {
            seed: context.seed,
            epoch: context.epoch as u64,
            step: context.step as u64,
            first: context.first,
        };
        let size = MaskSize {
            words: self.network.size.words,
            streams: batch.streams(),
            units: self.network.size.hidden,
        };
        let masks = placed(self.dropout.masks(key, size, &batch.tokens.device()));
        let state = carry.filter(|_| !batch.starts);
        let output = model.forward(batch.tokens.clone(), state, &masks, context.statistics);
        Answered {
            penalty: self.regularisation.penalty(output.hidden, output.dropped),
            answer: log_likelihood(output.logits, batch.targets.clone()),
            carry: Some(output.state),
        }
    }

    fn evaluate<B: ModelBackend>(
        &self,
        model: &LanguageNetwork<B>,
        batch: &SequenceBatch<B>,
        carry: Option<HiddenState<B>>,
        statistics: Statistics,
    ) -> (Tensor<B, 2>, Option<HiddenState<B>>) {
        let state = carry.filter(|_| !batch.starts);
        let masks = LanguageMasks::default();
        let output = model.forward(batch.tokens.clone(), state, &masks, statistics);
        let answer = log_likelihood(output.logits, batch.targets.clone());
        (answer, Some(output.state))
    }

    fn answers<B: ModelBackend>(
        &self,
        problem: &LanguageProblem,
        network: &LanguageNetwork<B>,
        device: &B::Device,
    ) -> Result<Vec<Chapter>, TrainError> {
        let samples = passages(network, problem.corpus().vocabulary(), device);
        let text = "What the network writes from the beginning of a paragraph.".into();
        let blocks = match samples.is_empty() {
            true => Vec::new(),
            false => vec![Block::Samples { text, samples }],
        };
        Ok(Chapter::of("Written by the network", blocks)
            .into_iter()
            .collect())
    }

    /// Multiply-adds are those of a word.
    fn size(&self) -> Result<Size, TrainError> {
        Ok(Size {
            weights: self.network.weights(),
            multiply_adds: Some(self.network.multiply_adds()),
        })
    }

    fn step_bytes(&self, config: &FitConfig<Self>) -> Option<u64> {
        let fit = &config.fit;
        let average = fit.own.average_after > 0 || fit.average_decay > 0.0;
        // Weights, momentum, gradients of a pass and, where there are several, of the step.
        let copies =
            3 + usize::from(fit.parts > 1) + usize::from(average) + usize::from(fit.patience > 0);
        let tokens = config.data.sequences.usual_most() * fit.pass_size();
        Some(self.network.step_bytes(tokens, copies))
    }

    fn learning_rate_factor<B: Backend>(&self, first: &SequenceBatch<B>) -> f64 {
        first.learning_rate_factor
    }

    fn averaging(config: &FitConfig<Self>, validation: &[Score]) -> Averaging {
        let losses: Vec<f64> = validation.iter().map(|score| score.loss).collect();
        match (config.fit.own.average_after, config.fit.average_decay) {
            (0, 0.0) => Averaging::Off,
            (0, decay) => Averaging::Exponential { decay },
            (patience, _) => match non_monotone_trigger(&losses, patience) {
                Some(since) => Averaging::Mean { since },
                None => Averaging::Off,
            },
        }
    }
}

/// Masks where the network has them.
fn placed<B: Backend>(masks: Masks<B>) -> LanguageMasks<B> {
    LanguageMasks {
        embedding: masks.embedding,
        input: masks.input,
        cell: CellMasks {
            inputs: masks.cell_input,
            states: masks.hidden,
        },
        output: masks.output,
    }
}
