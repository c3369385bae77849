use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use supernet::recurrent::{HiddenState, LanguageMasks, LanguageNetwork};
use supernet::{ModelBackend, Statistics};

/// A network that reads a text word by word, and what it expects next.
pub(super) struct Reader<'a, B: ModelBackend> {
    network: &'a LanguageNetwork<B>,
    device: &'a B::Device,
    state: Option<HiddenState<B>>,
    /// Logarithms of the probabilities of the next word, `[words]`; none before the first word.
    expected: Option<Tensor<B, 1>>,
    /// Of the words read so far but the first, in nats.
    loss: f64,
}

/// Words that are read at once.
const AT_ONCE: usize = 64;

impl<'a, B: ModelBackend> Reader<'a, B> {
    pub(super) fn new(network: &'a LanguageNetwork<B>, device: &'a B::Device) -> Self {
        Self {
            network,
            device,
            state: None,
            expected: None,
            loss: 0.0,
        }
    }

    /// Reads on.
    pub(super) fn read(&mut self, words: &[u32]) {
        words
            .chunks(AT_ONCE)
            .for_each(|words| self.read_some(words));
    }

    fn read_some(&mut self, words: &[u32]) {
        let time = words.len();
        let numbers: Vec<i32> = words.iter().map(|&word| word as i32).collect();
        let numbers = TensorData::new(numbers, [time, 1]);
        let words: Tensor<B, 2, Int> = Tensor::from_data(numbers, self.device);
        let output = self.network.forward(
            words.clone(),
            self.state.take(),
            &LanguageMasks::default(),
            Statistics::Running,
        );
        let [_, _, all] = output.logits.dims();
        let said = log_softmax(output.logits.reshape([time, all]), 1);
        let last = said.clone().narrow(0, time - 1, 1);
        let before = self.expected.take().map(|row| row.unsqueeze::<2>());
        let foreseen = match (before, time > 1) {
            (before, true) => {
                let within = said.narrow(0, 0, time - 1);
                Some(Tensor::cat(before.into_iter().chain([within]).collect(), 0))
            }
            (before, false) => before,
        };
        if let Some(foreseen) = foreseen {
            let [count, _] = foreseen.dims();
            let met = words.narrow(0, time - count, count);
            let lost: f64 = foreseen.gather(1, met).into_data().iter::<f64>().sum();
            self.loss -= lost;
        }
        self.expected = Some(last.reshape([all]));
        self.state = Some(output.state);
    }

    /// Logarithms of the probabilities of the next word, by number; none before the first word.
    pub(super) fn expected(&self) -> Option<Vec<f64>> {
        let expected = self.expected.clone()?;
        Some(expected.into_data().iter::<f64>().collect())
    }

    /// The loss of all words but the first, in nats.
    pub(super) fn loss(&self) -> f64 {
        self.loss
    }
}
