use burn::tensor::{DType, Tensor, TensorData, backend::Backend};
use egs_core::Normalization;

use super::{DerivedCodes, Relaxation};

/// Which operations of one kind of cell are on, and with which weights.
#[derive(Debug, Clone)]
pub struct CodeTable<B: Backend> {
    /// Weights `[edges, ops]`; `None` when every operation that is on has the constant weight 1.
    pub weights: Option<Tensor<B, 2>>,
    /// The code on the host, `[edges][ops]`.
    pub active: Vec<Vec<bool>>,
}

impl<B: Backend> CodeTable<B> {
    /// The constant code `active` `[edges][ops]`.
    pub fn constant(active: Vec<Vec<bool>>) -> Self {
        Self {
            weights: None,
            active,
        }
    }

    /// The code that deriving chose, as constants.
    fn from_derived(codes: &DerivedCodes, device: &B::Device) -> Self {
        let active = codes.active.clone();
        if codes.weight.iter().all(|&weight| weight == 1.0) {
            return Self::constant(active);
        }
        let values: Vec<f32> = active
            .iter()
            .zip(&codes.weight)
            .flat_map(|(row, &weight)| {
                row.iter()
                    .map(move |&on| if on { weight as f32 } else { 0.0 })
            })
            .collect();
        let data = TensorData::new(values, [active.len(), active[0].len()]);
        Self {
            weights: Some(Tensor::from_data(data, device)),
            active,
        }
    }

    fn in_dtype(&self, dtype: DType) -> Self {
        let cast = |weights: Tensor<B, 2>| {
            if weights.dtype() == dtype {
                weights
            } else {
                weights.cast(dtype)
            }
        };
        Self {
            weights: self.weights.clone().map(cast),
            active: self.active.clone(),
        }
    }
}

/// The codes of all kinds of cells.
#[derive(Debug, Clone)]
pub struct Codes<B: Backend> {
    /// A table for each kind of cell, in the order of
    /// [`OperationSet::CELLS`](crate::OperationSet::CELLS); all cells of a kind share it.
    pub tables: Vec<CodeTable<B>>,
}

impl<B: Backend> Codes<B> {
    /// The constant codes that deriving chose, one for each kind of cell.
    pub fn from_derived(codes: &[DerivedCodes], device: &B::Device) -> Self {
        let table = |codes| CodeTable::from_derived(codes, device);
        Self {
            tables: codes.iter().map(table).collect(),
        }
    }

    /// The codes as weights of operations that compute in `dtype`.
    pub(crate) fn in_dtype(&self, dtype: DType) -> Self {
        Self {
            tables: self.tables.iter().map(|t| t.in_dtype(dtype)).collect(),
        }
    }
}

/// One draw of an architecture.
#[derive(Debug, Clone)]
pub struct ArchitectureSample<B: Backend> {
    /// The codes to run a supernet with; gradients flow through their weights into the logits.
    pub codes: Codes<B>,
    /// How they came from the logits.
    pub relaxation: Relaxation,
}

impl<B: Backend> ArchitectureSample<B> {
    /// The sampled codes as constants, to train weights with: nothing flows into the logits, and an
    /// unnormalised binary code needs no multiplication.
    pub fn constant(self, normalization: Normalization) -> Codes<B> {
        let relaxation = self.relaxation;
        let constant = |table: CodeTable<B>| CodeTable {
            weights: match (relaxation, normalization) {
                (Relaxation::Code, Normalization::None) => None,
                _ => table.weights.map(Tensor::detach),
            },
            active: table.active,
        };
        Codes {
            tables: self.codes.tables.into_iter().map(constant).collect(),
        }
    }
}
