//! A task of one's own: rows of numbers, own operations, a small supernet; searched with every method,
//! derived, drawn and resumed by the loops that search images.
//!
//! `cargo run -p search --example own_task`

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData, activation::relu, backend::Backend};
use search::{Answered, BatchOf, Pass, Search, SearchConfig, SearchError, Session, Task};
use supernet::{
    Codes, Genotype, GenotypeOp, Linear, ModelBackend, OperationSet, SearchSpace, Statistics, WeightInit,
};
use workbench::config::Empty;
use workbench::images::{Dataset, DatasetId, load};
use workbench::problem::{Phase, Problem, Split, Visit};
use workbench::record::{Metric, Score, SearchEpoch};
use workbench::run_folder::RunFolder;
use workbench::session::Reporter;
use workbench::stream::{epoch_order, index_batches};

type Train = burn::backend::Autodiff<burn_flex::Flex>;

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
struct Rows {
    /// Of the weights, of the logits (and for validation), for the test.
    parts: [Dataset; 3],
}

#[derive(Debug, Clone)]
struct Batch<B: Backend> {
    /// `[batch, 64]`
    rows: Tensor<B, 2>,
    /// `[batch]`
    labels: Tensor<B, 1, Int>,
}

impl Rows {
    fn part(&self, split: Split) -> &Dataset {
        match split {
            Split::Weights => &self.parts[0],
            Split::Logits | Split::Validation => &self.parts[1],
            Split::Test => &self.parts[2],
        }
    }

    fn batch<B: Backend>(&self, split: Split, indices: &[usize], device: &B::Device) -> Batch<B> {
        let part = self.part(split);
        let pixels = indices.iter().filter_map(|&index| part.image(index)).flatten();
        let values: Vec<f32> = pixels.map(|&pixel| f32::from(pixel) / 8.0 - 1.0).collect();
        let labels: Vec<i32> = indices.iter().map(|&index| part.labels()[index].into()).collect();
        Batch {
            rows: Tensor::from_data(TensorData::new(values, [indices.len(), 64]), device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        }
    }
}

impl Problem for Rows {
    type Batch<B: Backend> = Batch<B>;
    type Answer<B: Backend> = Tensor<B, 2>;
    const EXAMPLES: &'static str = "rows";

    fn name(&self) -> String {
        "rows".into()
    }
    fn metric(&self) -> Metric {
        Metric::ERROR
    }
    fn has(&self, _: Split) -> bool {
        true
    }
    fn steps(&self, visit: &Visit) -> usize {
        visit.steps.unwrap_or(self.part(visit.split).len() / visit.batch_size)
    }
    fn batches<B: Backend>(
        &self, visit: &Visit, device: &B::Device,
    ) -> impl Iterator<Item = workbench::Result<Batch<B>>> {
        let order = epoch_order(self.part(visit.split).len(), visit.key.seed, visit.order);
        let lists: Vec<Vec<usize>> = index_batches(&order, visit.batch_size).map(<[_]>::to_vec).collect();
        let (split, device) = (visit.split, device.clone());
        let lists = lists.into_iter().cycle().take(self.steps(visit));
        lists.map(move |list| Ok(self.batch(split, &list, &device)))
    }
    fn evaluation<B: Backend>(
        &self, split: Split, _: usize, _: u64, device: &B::Device,
    ) -> workbench::Result<impl Iterator<Item = workbench::Result<Batch<B>>>> {
        let all: Vec<usize> = (0..self.part(split).len()).collect();
        Ok(std::iter::once(Ok(self.batch(split, &all, device))))
    }
    fn examples<B: Backend>(&self, batch: &Batch<B>) -> usize {
        batch.labels.dims()[0]
    }
    fn loss<B: Backend>(&self, logits: &Tensor<B, 2>, batch: &Batch<B>, _: Phase) -> Tensor<B, 1> {
        workbench::images::cross_entropy(logits.clone(), batch.labels.clone())
    }
    fn sums<B: Backend>(&self, logits: &Tensor<B, 2>, batch: &Batch<B>, loss: Tensor<B, 1>) -> Tensor<B, 1> {
        let count = batch.labels.dims()[0] as f64;
        let wrong = workbench::images::mistakes(logits.clone(), batch.labels.clone());
        Tensor::cat(vec![loss.clone() * count, wrong, loss.full_like(count)], 0)
    }
    fn score(&self, sums: &[f64]) -> Score {
        Score { loss: sums[0] / sums[2], value: 100.0 * sums[1] / sums[2] }
    }
}

const UNITS: usize = 16;

/// Rows to units, a cell of units, units to digits. The supernet has a layer for every operation of
/// every edge, a child for every entry of its genotype.
#[derive(Module, Debug)]
struct Net<B: Backend> {
    stem: Linear<B>,
    layers: Vec<Linear<B>>,
    head: Linear<B>,
    #[module(skip)]
    genotype: Genotype<Op>,
}

fn apply<B: Backend>(op: Op, layer: &Linear<B>, x: Tensor<B, 2>) -> Option<Tensor<B, 2>> {
    match op {
        Op::None => None,
        Op::Skip => Some(x),
        Op::Tanh => Some(layer.forward(x).tanh()),
        Op::Relu => Some(relu(layer.forward(x))),
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Tabular {
    space: SearchSpace<Op>,
}

impl Tabular {
    fn net<B: Backend>(&self, layers: usize, genotype: Genotype<Op>, init: &mut WeightInit, device: &B::Device) -> Net<B> {
        let mut linear = |from, to| Linear::new(from, to, init, device);
        Net {
            stem: linear(64, UNITS),
            layers: (0..layers).map(|_| linear(UNITS, UNITS)).collect(),
            head: linear(UNITS, 10),
            genotype,
        }
    }
}

impl Task for Tabular {
    const NAME: &'static str = "tabular";
    const DEFAULTS: &'static str = "name = \"rows\"\nspace.nodes = 2\nsearch.epochs = 4\nsearch.warmup_epochs = 1";
    type Problem = Rows;
    type Op = Op;
    type Data = Empty;
    type Network = Empty;
    type Supernet<B: ModelBackend> = Net<B>;
    type Child<B: ModelBackend> = Net<B>;
    type Carry<B: Backend> = ();

    fn open(config: &SearchConfig<Self>) -> Result<(Self, Rows), SearchError> {
        let data = load(DatasetId::Digits, None)?;
        let halves = data.train.halves(0.5, config.seed);
        let (weights, logits) = halves.ok_or_else(|| SearchError::field("data", "empty", "rows"))?;
        let task = Self { space: config.space.clone() };
        Ok((task, Rows { parts: [weights, logits, data.test] }))
    }
    fn supernet<B: ModelBackend>(&self, init: &mut WeightInit, device: &B::Device) -> Result<Net<B>, SearchError> {
        let layers = self.space.edges() * self.space.ops();
        Ok(self.net(layers, Genotype { cells: Vec::new() }, init, device))
    }
    fn run<B: ModelBackend>(
        &self, net: &Net<B>, codes: &Codes<B>, batch: &BatchOf<Self, B>, (): (), pass: Pass,
    ) -> Answered<B, Self> {
        let mut states = vec![net.stem.forward(batch.rows.clone())];
        for node in 0..self.space.nodes {
            let mut sum = None;
            for (input, state) in states.iter().enumerate() {
                let edge = self.space.first_edge(node) + input;
                let layer = |op| &net.layers[edge * self.space.ops() + op];
                let run = |op: usize, x| apply(self.space.operations[op], layer(op), x);
                sum = codes.tables[0].mix(sum, edge, pass.mode, state, run);
            }
            states.push(sum.unwrap_or_else(|| states[0].zeros_like()));
        }
        Answered::plain(net.head.forward(states.swap_remove(self.space.nodes)))
    }
    fn inherit<B: ModelBackend>(&self, net: &Net<B>, genotype: &Genotype<Op>) -> Result<Net<B>, SearchError> {
        let mut child = net.clone();
        child.layers.clear();
        for (node, entries) in genotype.cells[0].nodes.iter().enumerate() {
            for entry in entries {
                let edge = self.space.first_edge(node) + entry.input;
                let op = self.space.operations.iter().position(|op| *op == entry.op);
                child.layers.push(net.layers[edge * self.space.ops() + op.unwrap_or(0)].clone());
            }
        }
        child.genotype = genotype.clone();
        Ok(child)
    }
    fn child<B: ModelBackend>(
        &self, genotype: &Genotype<Op>, init: &mut WeightInit, device: &B::Device,
    ) -> Result<Net<B>, SearchError> {
        let layers = genotype.cells[0].nodes.iter().map(Vec::len).sum();
        Ok(self.net(layers, genotype.clone(), init, device))
    }
    fn run_child<B: ModelBackend>(
        &self, net: &Net<B>, batch: &BatchOf<Self, B>, (): (), _: Statistics,
    ) -> Answered<B, Self> {
        let mut states = vec![net.stem.forward(batch.rows.clone())];
        let mut layers = net.layers.iter();
        for entries in &net.genotype.cells[0].nodes {
            let run = |(entry, layer): (&GenotypeOp<Op>, _)| {
                Some(apply(entry.op, layer, states[entry.input].clone())? * entry.weight)
            };
            let outputs = entries.iter().zip(layers.by_ref()).filter_map(run);
            let sum = outputs.reduce(|sum, output| sum + output);
            states.push(sum.unwrap_or_else(|| states[0].zeros_like()));
        }
        Answered::plain(net.head.forward(states.swap_remove(states.len() - 1)))
    }
}

struct Print;

impl Reporter<SearchEpoch> for Print {
    fn step(&mut self, _: usize, _: Option<f64>) {}
    fn note(&mut self, text: &str) {
        println!("note: {text}");
    }
    fn epoch(&mut self, r: &SearchEpoch) {
        println!("epoch {}: supernet {:.2} %, child {:.2} %", r.epoch, r.supernet.value, r.child.value);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("own-task-{}", std::process::id()));
    let device = Default::default();
    for method in ["egs", "darts", "snas", "gdas", "random"] {
        let config = SearchConfig::<Tabular>::resolve(None, &[format!("search.method={method}")])?;
        let open = || Search::<Train, Tabular>::open(config.clone(), &device);
        let run = || RunFolder::create_at(folder.join(method));
        let outcome = Session::start(open()?, run, "flex")?.run(&mut Print)?;
        println!("{method}: gap {:+.2} points, {}", outcome.gap, outcome.genotype);

        // As after a kill in the last epoch: it is searched again, to the same end.
        let run = RunFolder::open(folder.join(method))?;
        std::fs::remove_file(run.file("checkpoints/step-4.ckpt"))?;
        let (session, _) = Session::resume(run, open, "flex")?;
        assert_eq!(session.run(&mut Print)?.genotype, outcome.genotype);
    }
    println!("pictures and logs are in {}", folder.display());
    Ok(())
}
