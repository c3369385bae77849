use burn::tensor::{Distribution, Tensor};
use search::tasks::LanguageTask;
use supernet::TrainBackend;
use supernet::recurrent::{CellForm, LanguageSize, LanguageSupernetConfig};
use workbench::text::{Corpus, LanguageProblem, SequenceBatch, Vocabulary};

use crate::{Cli, answer, configure};

#[derive(clap::Args)]
pub struct Language {
    /// Words of the vocabulary.
    #[arg(long, default_value_t = 1000)]
    words: usize,
    /// Units of a hidden state.
    #[arg(long, default_value_t = 64)]
    hidden: usize,
    /// Words of a sequence.
    #[arg(long, default_value_t = 35)]
    length: usize,
}

pub fn run<B: TrainBackend>(cli: &Cli, device: &B::Device) -> anyhow::Result<()> {
    let &Language {
        words,
        hidden,
        length,
    } = &cli.language;
    let config = configure::<LanguageTask>(cli)?;
    let task = LanguageTask::new(LanguageSupernetConfig {
        size: LanguageSize { words, hidden },
        space: config.space.clone(),
        normalization: config.network.normalization,
        form: CellForm::Searched,
    });
    // Of the corpus only the loss is used.
    let vocabulary: Vocabulary = (0..words).map(|word| format!("w{word}")).collect();
    let corpus = Corpus::new("random", vocabulary, [(); 3].map(|()| vec![0; 64]))?;
    let sequences = config.data.sequences;
    let problem = LanguageProblem::for_search(corpus, sequences, Default::default())?;
    B::seed(device, 0);
    let random = || {
        let any = Distribution::Uniform(0.0, words as f64);
        Tensor::random([length, cli.batch], any, device)
    };
    let batch = || SequenceBatch::<B> {
        tokens: random(),
        targets: random(),
        starts: false,
        learning_rate_factor: 1.0,
    };
    answer::<B, _>(&config, &task, &problem, [batch(), batch()], 20.0, device)
}
