use std::path::PathBuf;

use burn::tensor::backend::Backend;
use serde::{Deserialize, Serialize};
use serde_json::json;
use supernet::kernels::log_likelihood;
use supernet::recurrent::{
    CellChoice, CellForm, CellMasks, HiddenState, LanguageConfig, LanguageMasks, LanguageNetwork,
    LanguageSize, LanguageStep, LanguageSupernet, LanguageSupernetConfig, RecurrentOperation,
    StepNormalization,
};
use supernet::{
    Codes, Cost, CostTable, Genotype, ModelBackend, OperationSet, Statistics, WeightInit,
};
use toml::Table;
use workbench::cli::Shorthand;
use workbench::problem::Phase;
use workbench::record::SecondScoring;
use workbench::text::{
    self, Dropout, DropoutKey, LanguageData, LanguageProblem, MaskSize, Masks, Regularisation,
};

use crate::{Answered, BatchOf, ExportedChild, Pass, SearchConfig, SearchError, Task};

/// Language modelling with the recurrent cell of DARTS.
#[derive(Debug, Clone, PartialEq)]
pub struct LanguageTask {
    supernet: LanguageSupernetConfig,
    dropout: Dropout,
    regularisation: Regularisation,
}

/// The section `[network]`: the supernet, and what its training adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageCell {
    /// Units of a hidden state, and of a word's vector.
    pub hidden: usize,
    /// What the weights of a step's pairs are divided by.
    #[serde(default)]
    pub normalization: StepNormalization,
    /// Whether the states of the supernet are normalised over the batch, as published, or not, as those of
    /// a network that is retrained.
    #[serde(default = "published")]
    pub form: CellForm,
    /// Shares of what is dropped while weights or logits learn.
    #[serde(default)]
    pub dropout: Dropout,
    /// Penalties of hidden states while weights learn.
    #[serde(default)]
    pub regularisation: Regularisation,
}

fn published() -> CellForm {
    CellForm::Searched
}

impl LanguageTask {
    /// A task for supernets of this form, whose training drops and penalises nothing.
    pub fn new(supernet: LanguageSupernetConfig) -> Self {
        Self {
            supernet,
            dropout: Dropout::default(),
            regularisation: Regularisation::default(),
        }
    }

    /// The supernet as data.
    pub fn supernet_config(&self) -> &LanguageSupernetConfig {
        &self.supernet
    }

    fn network(&self, genotype: &Genotype<RecurrentOperation>, form: CellForm) -> LanguageConfig {
        LanguageConfig {
            size: self.supernet.size,
            cell: CellChoice::Derived {
                genotype: genotype.clone(),
                normalization: self.supernet.normalization,
                form,
            },
        }
    }

    /// The masks of a pass over so many streams; none in evaluation.
    fn masks<B: Backend>(
        &self,
        streams: usize,
        pass: Pass,
        device: &B::Device,
    ) -> LanguageMasks<B> {
        if pass.phase == Phase::Evaluation {
            return LanguageMasks::default();
        }
        let LanguageSize { words, hidden } = self.supernet.size;
        let key = DropoutKey {
            seed: pass.seed,
            // Passes are numbered through.
            epoch: 0,
            step: pass.index,
            first: 0,
        };
        let size = MaskSize {
            words,
            streams,
            units: hidden,
        };
        let Masks {
            embedding,
            input,
            cell_input,
            hidden,
            output,
        } = self.dropout.masks(key, size, device);
        LanguageMasks {
            embedding,
            input,
            cell: CellMasks {
                inputs: cell_input,
                states: hidden,
            },
            output,
        }
    }
}

impl Task for LanguageTask {
    const NAME: &'static str = "language";
    const DEFAULTS: &'static str = include_str!("../../../../configs/austen.toml");
    type Problem = LanguageProblem;
    type Op = RecurrentOperation;
    type Data = LanguageData;
    type Network = LanguageCell;
    type Supernet<B: ModelBackend> = LanguageSupernet<B>;
    type Child<B: ModelBackend> = LanguageNetwork<B>;
    type Carry<B: Backend> = Option<HiddenState<B>>;
    const SHORTHANDS: &'static [Shorthand] = text::SHORTHANDS;
    const SECOND_SCORING: SecondScoring = SecondScoring::Unnormalised;

    fn open(config: &SearchConfig<Self>) -> Result<(Self, LanguageProblem), SearchError> {
        let data = &config.data;
        let corpus = data.load()?;
        let words = corpus.vocabulary().len();
        let problem = LanguageProblem::for_search(corpus, data.sequences, data.evaluation)?;
        problem.check_streams("search.batch_size", config.search.batch_size)?;
        let size = LanguageSize {
            words,
            hidden: config.network.hidden,
        };
        size.validate()?;
        let task = Self {
            supernet: LanguageSupernetConfig {
                size,
                space: config.space.clone(),
                normalization: config.network.normalization,
                form: config.network.form,
            },
            dropout: config.network.dropout,
            regularisation: config.network.regularisation,
        };
        Ok((task, problem))
    }

    fn supernet<B: ModelBackend>(
        &self,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<LanguageSupernet<B>, SearchError> {
        Ok(self.supernet.init(init, device)?)
    }

    fn run<B: ModelBackend>(
        &self,
        supernet: &LanguageSupernet<B>,
        codes: &Codes<B>,
        batch: &BatchOf<Self, B>,
        carry: Option<HiddenState<B>>,
        pass: Pass,
    ) -> Answered<B, Self> {
        let masks = self.masks(batch.streams(), pass, &batch.tokens.device());
        let state = carry.filter(|_| !batch.starts);
        let tokens = batch.tokens.clone();
        let output = supernet.forward(tokens, &codes.tables[0], state, &masks, pass.mode);
        Answered {
            answer: log_likelihood(output.logits, batch.targets.clone()),
            regulariser: match pass.phase {
                Phase::Training => self.regularisation.penalty(output.hidden, output.dropped),
                Phase::Evaluation => None,
            },
            carry: Some(output.state),
        }
    }

    fn inherit<B: ModelBackend>(
        &self,
        supernet: &LanguageSupernet<B>,
        genotype: &Genotype<RecurrentOperation>,
    ) -> Result<LanguageNetwork<B>, SearchError> {
        Ok(supernet.inherit(genotype, self.supernet.form)?)
    }

    fn unnormalised<B: ModelBackend>(&self, child: LanguageNetwork<B>) -> LanguageNetwork<B> {
        child.in_form(CellForm::Retrained)
    }

    /// Without normalisation, and trained without dropout: a few epochs are too short for both.
    fn child<B: ModelBackend>(
        &self,
        genotype: &Genotype<RecurrentOperation>,
        init: &mut WeightInit,
        device: &B::Device,
    ) -> Result<LanguageNetwork<B>, SearchError> {
        Ok(self
            .network(genotype, CellForm::Retrained)
            .init(init, device)?)
    }

    fn run_child<B: ModelBackend>(
        &self,
        child: &LanguageNetwork<B>,
        batch: &BatchOf<Self, B>,
        carry: Option<HiddenState<B>>,
        statistics: Statistics,
    ) -> Answered<B, Self> {
        let (tokens, state) = (batch.tokens.clone(), carry.filter(|_| !batch.starts));
        let output = child.forward(tokens, state, &LanguageMasks::default(), statistics);
        Answered {
            answer: log_likelihood(output.logits, batch.targets.clone()),
            regulariser: None,
            carry: Some(output.state),
        }
    }

    fn learning_rate_factor<B: Backend>(&self, batch: &BatchOf<Self, B>) -> f64 {
        batch.learning_rate_factor
    }

    /// Multiply-adds for one word: every pair is one product of a state with its step's matrix, though
    /// pairs of one predecessor share it. Weights do not depend on the architecture.
    fn costs(&self, cost: Cost) -> Option<Vec<Vec<Vec<f64>>>> {
        let LanguageSupernetConfig { size, space, .. } = &self.supernet;
        let product = (2 * size.hidden * size.hidden) as f64;
        let of = |op: &RecurrentOperation| match Some(*op) == RecurrentOperation::NONE {
            true => 0.0,
            false => product,
        };
        let edge: Vec<f64> = space.operations.iter().map(of).collect();
        (cost == Cost::MultiplyAdds).then(|| vec![vec![edge; space.edges()]])
    }

    /// None: what pairs of one predecessor share does not add up.
    fn child_costs(&self, _cost: Cost) -> Option<CostTable> {
        None
    }

    fn defaults_for(stated: &Table) -> workbench::Result<Table> {
        Ok(LanguageData::defaults_for(stated))
    }

    fn step_bytes(&self, config: &SearchConfig<Self>) -> Option<u64> {
        let search = &config.search;
        Some(self.supernet.step_bytes(&LanguageStep {
            tokens: config.data.sequences.usual_most() * search.batch_size,
            architecture: &config.architecture,
            relaxation: search.method.rules().relaxation,
            execution: search.execution,
            // Weights, gradients, momentum and the step itself; to look ahead, once more.
            copies: if config.alpha.second_order { 8 } else { 4 },
        }))
    }

    fn validate(config: &SearchConfig<Self>) -> Result<(), SearchError> {
        config.data.validate()?;
        let network = &config.network;
        network.dropout.validate()?;
        network.regularisation.validate()?;
        let smallest = LanguageSize {
            // Those of the corpus are counted when it is loaded.
            words: 2,
            hidden: network.hidden,
        };
        smallest.validate()?;
        let evaluation = &config.data.evaluation;
        for (field, streams) in [
            ("search.batch_size", config.search.batch_size),
            ("data.evaluation.validation", evaluation.validation),
            ("data.evaluation.test", evaluation.test),
        ] {
            if network.form == CellForm::Searched && streams < 2 {
                let valid = "2 or more: states are normalised over the streams, unless `network.form` is \
                             retrained";
                return Err(SearchError::field(field, streams, valid));
            }
        }
        Ok(())
    }

    fn data_root(data: &mut LanguageData) -> Option<&mut Option<PathBuf>> {
        Some(&mut data.root)
    }

    fn export_child<B: ModelBackend>(
        &self,
        config: &SearchConfig<Self>,
        problem: &LanguageProblem,
        genotype: &Genotype<RecurrentOperation>,
        child: &LanguageNetwork<B>,
    ) -> Option<Result<ExportedChild, SearchError>> {
        let data = &config.data;
        let written = json!({
            "format": 1,
            "task": Self::NAME,
            "network": self.network(genotype, self.supernet.form),
            "vocabulary": problem.corpus().vocabulary().words(),
            "text": data.tokenizer(),
            "trained": {
                "data": Self::data_name(config),
                "seed": config.seed,
                "epochs": config.search.epochs,
            },
            "inherited": { "batch_size": data.evaluation.validation, "seed": config.seed },
        });
        Some(Ok(ExportedChild {
            config: written,
            weights: child.state_dict(),
        }))
    }

    fn data_name(config: &SearchConfig<Self>) -> String {
        config.data.set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use workbench::config::Source;
    use workbench::text::CorpusId;

    type Config = SearchConfig<LanguageTask>;

    fn resolve(name: &str, text: &str) -> Config {
        Config::resolve(Some(Source { name, text }), &[]).unwrap()
    }

    #[test]
    fn the_default_is_valid_and_round_trips() {
        let config = Config::resolve(None, &[]).unwrap();
        assert_eq!((config.name.as_str(), config.space.nodes), ("austen", 8));
        assert_eq!(config.network.form, CellForm::Retrained);
        let again = resolve("again", &config.to_toml().unwrap());
        assert_eq!(config, again);
        assert_eq!(config.fingerprint().unwrap(), again.fingerprint().unwrap());
    }

    #[test]
    fn the_published_settings_are_valid() {
        for (name, text, set) in [
            (
                "ptb",
                include_str!("../../../../configs/ptb.toml"),
                CorpusId::Ptb,
            ),
            (
                "wt2",
                include_str!("../../../../configs/wt2.toml"),
                CorpusId::Wikitext2,
            ),
        ] {
            let config = resolve(name, text);
            assert_eq!((config.name.as_str(), config.data.set), (name, set));
            assert_eq!(
                (config.network.hidden, config.search.batch_size),
                (300, 256)
            );
            assert_eq!(config.network.normalization, StepNormalization::StepSum);
            assert_eq!(config.network.form, CellForm::Searched);
            assert_eq!(config.alpha.weight_decay, 1e-3);
        }
    }

    #[test]
    fn a_folder_of_text_brings_its_set() {
        let set = ["data.root=letters", "data.text.vocabulary=500"];
        let config = Config::resolve(None, &set.map(String::from)).unwrap();
        assert_eq!(
            (config.data.set, config.name.as_str()),
            (CorpusId::Text, "text")
        );
    }

    #[test]
    fn weights_are_counted_without_logits_and_pairs_by_their_products() {
        let size = LanguageSize {
            words: 10_000,
            hidden: 300,
        };
        let config = LanguageSupernetConfig {
            size,
            space: Default::default(),
            normalization: StepNormalization::StepSum,
            form: CellForm::Searched,
        };
        assert_eq!(config.weights(), 4_810_000);
        let task = LanguageTask::new(config);
        let costs = task.costs(Cost::MultiplyAdds).unwrap();
        let product = 2.0 * 300.0 * 300.0;
        assert_eq!(costs[0].len(), 36);
        assert_eq!(costs[0][35], [0.0, product, product, product, product]);
        assert!(task.costs(Cost::Parameters).is_none());
    }
}
