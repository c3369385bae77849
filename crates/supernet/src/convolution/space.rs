use super::Operation;
use crate::architecture;

/// A cell [search space](architecture::SearchSpace) as data, of the convolution cell's operations
/// where no others are named.
pub type SearchSpace<O = Operation> = architecture::SearchSpace<O>;

/// One [operation that a derived cell keeps](architecture::GenotypeOp), of the convolution cell's
/// where no others are named.
pub type GenotypeOp<O = Operation> = architecture::GenotypeOp<O>;

/// The [operations of a derived cell](architecture::CellGenotype), of the convolution cell's where no
/// others are named. The output of a convolution cell is the concatenation of the nodes it names.
pub type CellGenotype<O = Operation> = architecture::CellGenotype<O>;

/// A [derived architecture](architecture::Genotype) of the convolution cell's operations where no
/// others are named.
pub type Genotype<O = Operation> = architecture::Genotype<O>;

/// The kinds of cells of a convolution network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Keeps the size of the image.
    Normal,
    /// Halves it.
    Reduce,
}

impl CellKind {
    /// Place of this kind in [`OperationSet::CELLS`](crate::OperationSet::CELLS), and so in logits,
    /// codes and genotypes.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl Genotype<Operation> {
    /// The cell of this kind.
    ///
    /// # Panics
    ///
    /// If there is none: the genotype is not [valid](Self::validate).
    pub fn cell(&self, kind: CellKind) -> &CellGenotype {
        &self.cells[kind.index()]
    }
}
