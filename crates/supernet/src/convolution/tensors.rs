//! Names of a derived network's tensors in DARTS' PyTorch code, the ones that files use.
//!
//! | here | there |
//! |---|---|
//! | `stem` (CIFAR form) | `stem.0`, `stem.1` |
//! | `stem` (ImageNet form) | `stem0.0`, `stem0.1`, `stem0.3`, `stem0.4`, `stem1.1`, `stem1.2` |
//! | preprocessing `I` of cell `N` | `cells.N.preprocessI.op.1`, `.op.2` |
//! | operation `K` of cell `N` | `cells.N._ops.K.op.1`, ... |
//! | a factorised reduction | `.conv_1`, `.conv_2`, `.bn` |
//! | the auxiliary head | `auxiliary_head.features.2`, `.3`, `.5`, `.6`, `auxiliary_head.classifier` |
//! | the classifier | `classifier` |
//!
//! A convolution and a linear layer have `weight` (and `bias`), a normalisation has `weight`, `bias`,
//! `running_mean` and `running_var`. A linear layer's weight is `[classes, features]` there.

use burn::tensor::backend::Backend;

use super::DerivedNetwork;
use super::auxiliary::auxiliary_name;
use super::operation::operation_name;
use super::preprocess::preprocess_name;
use super::stem::stem_name;
use crate::SupernetError;
use crate::graph::GraphBuilder;
use crate::layers::{StateDict, TensorName, linear_name, load_tensors, read_tensors, tensor_names};

impl<B: Backend> DerivedNetwork<B> {
    /// The beginning of a graph of this network.
    pub fn graph(&self) -> GraphBuilder {
        GraphBuilder::new(tensor_names(self, darts_name))
    }

    /// All weights and running statistics, by name.
    pub fn state_dict(&self) -> StateDict {
        read_tensors(self, darts_name)
    }

    /// The network with the weights and running statistics of `state`. Names that end in
    /// `num_batches_tracked` are passed over, and so is an auxiliary head that this network lacks.
    ///
    /// # Errors
    ///
    /// [`SupernetError::State`] naming the first tensor that is missing, of another shape, or not
    /// part of the network.
    pub fn load_state_dict(self, state: &StateDict) -> Result<Self, SupernetError> {
        load_tensors(self, state, darts_name, "auxiliary_head.")
    }
}

/// The name of the tensor at this path of modules, if it has one.
fn darts_name(path: &[&str]) -> Option<TensorName> {
    match path {
        ["stem", rest @ ..] => stem_name(rest),
        ["cells", cell, rest @ ..] => cell_name(cell, rest),
        ["auxiliary_head", rest @ ..] => auxiliary_name(rest),
        ["classifier", rest @ ..] => linear_name("classifier", rest),
        _ => None,
    }
}

/// The tensors of a cell, its number given.
pub(crate) fn cell_name(cell: &str, path: &[&str]) -> Option<TensorName> {
    match path {
        ["preprocess", index, rest @ ..] => {
            preprocess_name(&format!("cells.{cell}.preprocess{index}"), rest)
        }
        ["operations", index, rest @ ..] => {
            operation_name(&format!("cells.{cell}._ops.{index}"), rest)
        }
        _ => None,
    }
}
