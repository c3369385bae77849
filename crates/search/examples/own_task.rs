//! A task of one's own: rows of numbers, own operations, a small supernet; searched with every method,
//! derived, drawn and resumed by the loops that search images.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData, activation::relu, backend::Backend};
use search::{Answered, Pass, Search, SearchConfig, SearchError, Session, Task};
use supernet::{Codes, Genotype, Linear, ModelBackend, OperationSet, SearchSpace};
use supernet::{Statistics, WeightInit};
use workbench::config::Empty;
use workbench::images::{Dataset, DatasetId, class_score, class_sums, cross_entropy, load};
use workbench::problem::{Metric, Phase, Problem, RngKey, Score, Split};
use workbench::run_folder::RunFolder;
use workbench::session::Silent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    None,
    Skip,
    Tanh,
    Relu,
}

impl OperationSet for Op {
    const ALL: &'static [Self] = &[Op::None, Op::Skip, Op::Tanh, Op::Relu];
    const NONE: Option<Self> = Some(Op::None);
    const CELLS: &'static [&'static str] = &["cell"];
    const INPUTS: usize = 1;
    fn name(self) -> &'static str {
        ["none", "skip", "tanh", "relu"][self as usize]
    }
}

/// What is learned: which digit 64 numbers stand for.
struct Rows([Dataset; 3]);

/// Rows `[batch, 64]` and labels `[batch]`.
type Batch<B> = (Tensor<B, 2>, Tensor<B, 1, Int>);
type Logits<B> = Tensor<B, 2>;
type Sums<B> = Tensor<B, 1>;

impl Rows {
    fn part(&self, split: Split) -> &Dataset {
        match split {
            Split::Weights => &self.0[0],
            Split::Logits | Split::Validation => &self.0[1],
            Split::Test => &self.0[2],
        }
    }
}

impl Problem for Rows {
    type Batch<B: Backend> = Batch<B>;
    type Answer<B: Backend> = Logits<B>;
    const EXAMPLES: &'static str = "rows";
    fn metric(&self) -> Metric {
        Metric::ERROR
    }
    fn size(&self, split: Split) -> usize {
        self.part(split).len()
    }
    fn read<B: Backend>(
        &self,
        split: Split,
        rows: &[usize],
        _changed: Option<RngKey>,
        device: &B::Device,
    ) -> workbench::Result<Batch<B>> {
        let part = self.part(split);
        let numbers = rows.iter().filter_map(|&row| part.image(row)).flatten();
        let numbers: Vec<f32> = numbers.map(|&n| f32::from(n) / 8.0 - 1.0).collect();
        let numbers = TensorData::new(numbers, [rows.len(), 64]);
        let labels: Vec<i32> = rows.iter().map(|&row| part.labels()[row].into()).collect();
        let labels = Tensor::from_data(labels.as_slice(), device);
        Ok((Tensor::from_data(numbers, device), labels))
    }
    fn examples<B: Backend>(&self, (_, labels): &Batch<B>) -> usize {
        labels.dims()[0]
    }
    fn loss<B: Backend>(&self, x: &Logits<B>, batch: &Batch<B>, _: Phase) -> Sums<B> {
        cross_entropy(x.clone(), batch.1.clone())
    }
    fn sums<B: Backend>(&self, x: &Logits<B>, batch: &Batch<B>, loss: Sums<B>) -> Sums<B> {
        class_sums(x.clone(), batch.1.clone(), loss)
    }
    fn score(&self, sums: &[f64]) -> Score {
        class_score(sums)
    }
}

/// Rows to 16 units, a cell of units, units to digits. A child lacks the layers that it does not use.
#[derive(Module, Debug)]
struct Net<B: Backend> {
    ends: [Linear<B>; 2],
    /// `[edges * ops]`
    layers: Vec<Option<Linear<B>>>,
    #[module(skip)]
    genotype: Genotype<Op>,
}

#[derive(Debug, Clone, PartialEq)]
struct Tabular(SearchSpace<Op>);

type Fallible<T> = Result<T, SearchError>;
type Train = burn::backend::Autodiff<burn_flex::Flex>;

impl Task for Tabular {
    const NAME: &'static str = "tabular";
    const DEFAULTS: &'static str = "space.nodes = 2\nsearch.epochs = 4";
    type Problem = Rows;
    type Op = Op;
    type Data = Empty;
    type Network = Empty;
    type Supernet<B: ModelBackend> = Net<B>;
    type Child<B: ModelBackend> = Net<B>;
    type Carry<B: Backend> = ();
    fn open(config: &SearchConfig<Self>) -> Fallible<(Self, Rows)> {
        let data = load(DatasetId::Digits, None)?;
        let divided = data.train.divide(0.5, config.seed);
        let (weights, logits) = divided.ok_or(SearchError::field("data", "one row", "more"))?;
        let task = Self(config.space.clone());
        Ok((task, Rows([weights, logits, data.test])))
    }
    fn supernet<B: ModelBackend>(&self, i: &mut WeightInit, d: &B::Device) -> Fallible<Net<B>> {
        let mut linear = |from, to| Linear::new(from, to, i, d);
        let layers = 0..self.0.edges() * self.0.ops();
        Ok(Net {
            ends: [linear(64, 16), linear(16, 10)],
            layers: layers.map(|_| Some(linear(16, 16))).collect(),
            genotype: Genotype { cells: vec![] },
        })
    }
    fn run<B: ModelBackend>(
        &self,
        net: &Net<B>,
        codes: &Codes<B>,
        batch: &Batch<B>,
        (): (),
        pass: Pass,
    ) -> Answered<B, Self> {
        let space = &self.0;
        let mut states = vec![net.ends[0].forward(batch.0.clone())];
        for node in 0..space.nodes {
            let mut sum = None;
            for (input, state) in states.iter().enumerate() {
                let edge = space.first_edge(node) + input;
                let run = |op: usize, x: Tensor<B, 2>| {
                    let layer = net.layers[edge * space.ops() + op].as_ref()?;
                    match space.operations[op] {
                        Op::None => None,
                        Op::Skip => Some(x),
                        Op::Tanh => Some(layer.forward(x).tanh()),
                        Op::Relu => Some(relu(layer.forward(x))),
                    }
                };
                sum = codes.tables[0].mix(sum, edge, pass.mode, state, run);
            }
            states.push(sum.unwrap_or_else(|| states[0].zeros_like()));
        }
        Answered::plain(net.ends[1].forward(states.swap_remove(space.nodes)))
    }
    fn inherit<B: ModelBackend>(&self, net: &Net<B>, g: &Genotype<Op>) -> Fallible<Net<B>> {
        let mut child = net.clone();
        let used = g.active(&self.0).concat().concat();
        for (layer, used) in child.layers.iter_mut().zip(used) {
            *layer = layer.take().filter(|_| used);
        }
        child.genotype = g.clone();
        Ok(child)
    }
    fn run_child<B: ModelBackend>(
        &self,
        child: &Net<B>,
        batch: &Batch<B>,
        (): (),
        _: Statistics,
    ) -> Answered<B, Self> {
        let codes = Codes::of_genotype(&child.genotype, &self.0, &batch.0.device());
        self.run(child, &codes, batch, (), Pass::EVALUATION)
    }
}

pub fn main() -> Fallible<()> {
    let folder = std::env::temp_dir().join(format!("own-task-{}", std::process::id()));
    for method in ["egs", "darts", "snas", "gdas", "random"] {
        let config = SearchConfig::<Tabular>::resolve(None, &[format!("search.method={method}")])?;
        let open = || Search::<Train, Tabular>::open(config.clone(), &Default::default());
        let run = || RunFolder::create_at(folder.join(method));
        let found = Session::start(open()?, run, "flex")?.run(&mut Silent)?;
        println!("{method}: gap {:+.2} points, {}", found.gap, found.genotype);

        // As after a kill in the last epoch, which is searched again to the same end.
        let run = RunFolder::open(folder.join(method))?;
        let _ = std::fs::remove_file(run.file("checkpoints/step-4.ckpt"));
        let (session, _) = Session::resume(run, open, "flex")?;
        assert_eq!(session.run(&mut Silent)?.genotype, found.genotype);
    }
    println!("pictures and logs are in {}", folder.display());
    Ok(())
}
