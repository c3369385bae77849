//! Gradients with the graph of one cell in memory at a time.
//!
//! Gradient checkpointing in the sense of Chen et al. (2016, "Training Deep Nets with Sublinear Memory
//! Cost"): the network runs once without a graph and keeps the outputs of its cells; then, from the
//! last cell to the first, each cell runs again with a graph and is differentiated. Memory falls from
//! all cells' intermediate results to one cell's; time grows by one forward pass.

use burn::module::{AutodiffModule, Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Tensor, backend::Backend};

use super::Supernet;
use crate::TrainBackend;
use crate::architecture::{CodeTable, Codes, ForwardMode, Trained};
use crate::layers::global_average;

/// What a pass and its differentiation give.
pub struct CellwiseGradients<B: AutodiffBackend> {
    /// Class logits `[batch, classes]`.
    pub logits: Tensor<B::InnerBackend, 2>,
    /// The loss `[1]`.
    pub loss: Tensor<B::InnerBackend, 1>,
    /// Gradients of the network's weights; none where logits are trained.
    pub weights: GradientsParams,
    /// Gradients `[edges, ops]` of the weights in each table; none where weights are trained, or for
    /// a kind of cell the network does not have.
    pub codes: Vec<Option<Tensor<B::InnerBackend, 2>>>,
}

impl<B: TrainBackend> Supernet<B> {
    /// Differentiates `loss(forward(images, codes, mode))` one cell at a time, by the weights or by
    /// the codes, whichever `mode` trains.
    ///
    /// Equal to differentiating [`Supernet::forward`]; running statistics move once.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, image_channels, height, width]`
    pub fn differentiate_cellwise(
        &self,
        images: Tensor<B, 4>,
        codes: &Codes<B>,
        mode: ForwardMode,
        loss: impl FnOnce(Tensor<B, 2>) -> Tensor<B, 1>,
    ) -> CellwiseGradients<B> {
        let by_weights = mode.trained == Trained::Weights;
        let outputs = self.cell_outputs(images.clone().inner(), codes, mode);
        // Nothing before the first cell has a code, so the stem's output needs no gradient then.
        let leaf = |index: usize| {
            let output = Tensor::<B, 4>::from_inner(outputs[index].clone());
            output.set_require_grad(by_weights || index > 0)
        };
        let mut weights = GradientsParams::new();
        let mut code_gradients = vec![None; codes.tables.len()];

        let last = outputs.len() - 1;
        let features = leaf(last);
        let classifier = Tracked::new(mode.trained, &self.classifier);
        let classifier = classifier.module();
        let logits = classifier.forward(global_average(features.clone()));
        let loss = loss(logits.clone());
        let value = loss.clone().inner();
        let mut gradients = loss.backward();
        // Of the output of the stem and of each cell, summed over the cells that read it.
        let mut of_outputs: Vec<Option<Tensor<B::InnerBackend, 4>>> = vec![None; outputs.len()];
        of_outputs[last] = features.grad_remove(&mut gradients);
        collect(classifier, &mut gradients, &mut weights);

        for (index, cell) in self.cells.iter().enumerate().rev() {
            let Some(dy) = of_outputs[index + 1].take() else {
                continue;
            };
            let cell = Tracked::new(mode.trained, cell);
            let cell = cell.module();
            let kind = cell.plan.kind.index();
            let table = codes.tables[kind].leaves(mode.trained);
            // Cell i reads outputs i - 1 and i; the first one reads the stem twice.
            let [before, previous] = [index.saturating_sub(1), index];
            let inputs = [leaf(before), leaf(previous)];
            let output = cell.forward(inputs.clone(), &table, mode);
            let mut gradients = (output * Tensor::from_inner(dy)).sum().backward();
            for (at, input) in [before, previous].into_iter().zip(&inputs) {
                add(&mut of_outputs[at], input.grad_remove(&mut gradients));
            }
            if let Some(leaf) = &table.weights {
                let gradient = leaf.grad_remove(&mut gradients);
                add(&mut code_gradients[kind], gradient);
            }
            collect(cell, &mut gradients, &mut weights);
        }

        if let Some(dy) = of_outputs[0].take() {
            let output = self.stem.forward(images, mode.statistics);
            let mut gradients = (output * Tensor::from_inner(dy)).sum().backward();
            collect(&self.stem, &mut gradients, &mut weights);
        }
        CellwiseGradients {
            logits: logits.inner(),
            loss: value,
            weights,
            codes: code_gradients,
        }
    }

    /// The outputs of the stem and of every cell, without a graph and without moving statistics.
    fn cell_outputs(
        &self,
        images: Tensor<B::InnerBackend, 4>,
        codes: &Codes<B>,
        mode: ForwardMode,
    ) -> Vec<Tensor<B::InnerBackend, 4>> {
        let mode = ForwardMode {
            trained: Trained::Weights,
            statistics: mode.statistics.without_update(),
            ..mode
        };
        let tables: Vec<_> = codes.tables.iter().map(CodeTable::inner).collect();
        let stem = self.stem.valid().forward(images, mode.statistics);
        let mut outputs = vec![stem.clone()];
        let (mut before, mut previous) = (stem.clone(), stem);
        for cell in &self.cells {
            let table = &tables[cell.plan.kind.index()];
            let output = cell
                .valid()
                .forward([before, previous.clone()], table, mode);
            outputs.push(output.clone());
            (before, previous) = (previous, output);
        }
        outputs
    }
}

impl<B: AutodiffBackend> CodeTable<B> {
    /// The same table without a graph.
    fn inner(&self) -> CodeTable<B::InnerBackend> {
        CodeTable {
            weights: self.weights.clone().map(Tensor::inner),
            active: self.active.clone(),
        }
    }

    /// The same table with weights that begin a graph of their own, or have none where they are not
    /// what is trained.
    fn leaves(&self, trained: Trained) -> Self {
        let tracked = trained == Trained::Logits;
        let leaf = |weights: Tensor<B, 2>| weights.detach().set_require_grad(tracked);
        Self {
            weights: self.weights.clone().map(leaf),
            active: self.active.clone(),
        }
    }
}

/// A module as it is, so that its running statistics move, or a copy whose weights are constants.
enum Tracked<'a, M> {
    Weights(&'a M),
    Constant(M),
}

impl<'a, M> Tracked<'a, M> {
    fn new<B: Backend>(trained: Trained, module: &'a M) -> Self
    where
        M: Module<B>,
    {
        match trained {
            Trained::Weights => Self::Weights(module),
            Trained::Logits => Self::Constant(module.clone().no_grad()),
        }
    }

    fn module(&self) -> &M {
        match self {
            Self::Weights(module) => module,
            Self::Constant(module) => module,
        }
    }
}

fn add<B: Backend, const D: usize>(sum: &mut Option<Tensor<B, D>>, term: Option<Tensor<B, D>>) {
    *sum = match (sum.take(), term) {
        (Some(sum), Some(term)) => Some(sum + term),
        (sum, term) => sum.or(term),
    };
}

/// Moves the gradients of a module's parameters from one backward pass into `all`.
fn collect<B: AutodiffBackend, M: AutodiffModule<B>>(
    module: &M,
    gradients: &mut B::Gradients,
    all: &mut GradientsParams,
) {
    struct Collect<'a, B: AutodiffBackend> {
        gradients: &'a mut B::Gradients,
        all: &'a mut GradientsParams,
    }
    impl<B: AutodiffBackend> ModuleVisitor<B> for Collect<'_, B> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if let Some(gradient) = param.val().grad_remove(self.gradients) {
                self.all.register::<B::InnerBackend, D>(param.id, gradient);
            }
        }
    }
    module.visit(&mut Collect::<B> { gradients, all });
}
