//! Names of a segmentation network's tensors: those of torchvision's DeepLab v3, around an encoder whose
//! tensors have the names of a classifier's in DARTS' code.
//!
//! | here | there |
//! |---|---|
//! | stem and cells | `backbone.` and the classifier's name, such as `backbone.cells.N._ops.K.op.1` |
//! | stem of stride 2 or 4 | `backbone.stem.0`, `.1`, `.3`, `.4` |
//! | stage `N` of the plain encoder | `backbone.stages.N.op.1`, `.2`, `.3` |
//! | branch `N` of the pyramid | `classifier.0.convs.N.0`, `.1`; of image pooling `.1`, `.2` |
//! | its projection | `classifier.0.project.0`, `.1` |
//! | the last layers | `classifier.1`, `.2`, `.4` |
//! | the auxiliary head | `aux_classifier.0`, `.1`, `.4` |

use burn::tensor::backend::Backend;

use super::SegmentationNetwork;
use crate::SupernetError;
use crate::convolution::{cell_name, separable_stage_name, stem_name};
use crate::graph::GraphBuilder;
use crate::layers::{
    StateDict, TensorName, conv_name, load_tensors, norm_name, read_tensors, tensor_names,
};

/// What names of an encoder's tensors begin with.
pub(super) const BACKBONE: &str = "backbone.";

impl<B: Backend> SegmentationNetwork<B> {
    /// The beginning of a graph of this network.
    pub fn graph(&self) -> GraphBuilder {
        GraphBuilder::new(tensor_names(self, segmentation_name))
    }

    /// All weights and running statistics, by name.
    pub fn state_dict(&self) -> StateDict {
        read_tensors(self, segmentation_name)
    }

    /// The network with the weights and running statistics of `state`. Names that end in
    /// `num_batches_tracked` are passed over, and so is an auxiliary head that this network lacks.
    ///
    /// # Errors
    ///
    /// [`SupernetError::State`] naming the first tensor that is missing, of another shape, or not
    /// part of the network.
    pub fn load_state_dict(self, state: &StateDict) -> Result<Self, SupernetError> {
        load_tensors(self, state, segmentation_name, "aux_classifier.")
    }
}

/// The name of the tensor at this path of modules, if it has one.
pub(super) fn segmentation_name(path: &[&str]) -> Option<TensorName> {
    let encoder = |name: Option<TensorName>| Some(name?.within(BACKBONE));
    match path {
        ["stem", "Classifier", rest @ ..] => encoder(stem_name(rest)),
        ["stem", "Strided", rest @ ..] => encoder(strided_stem_name(rest)),
        ["encoder", "Cells", cell, rest @ ..] => encoder(cell_name(cell, rest)),
        ["encoder", "Plain", stage, rest @ ..] => {
            encoder(separable_stage_name(&format!("stages.{stage}"), 0, rest))
        }
        ["head", "pyramid", rest @ ..] => pyramid_name(rest),
        ["head", rest @ ..] => last_layers_name("classifier", [1, 2, 4], rest),
        ["auxiliary", rest @ ..] => last_layers_name("aux_classifier", [0, 1, 4], rest),
        _ => None,
    }
}

fn strided_stem_name(path: &[&str]) -> Option<TensorName> {
    let place = |index: &str, offset: usize| {
        let index: usize = index.parse().ok()?;
        Some(format!("stem.{}", 3 * index + offset))
    };
    match path {
        ["convs", index, rest @ ..] => conv_name(&place(index, 0)?, rest),
        ["norms", index, rest @ ..] => norm_name(&place(index, 1)?, rest),
        _ => None,
    }
}

fn pyramid_name(path: &[&str]) -> Option<TensorName> {
    match path {
        // Pooling is number 0 in its branch.
        ["branches", index, "Pooled", rest @ ..] => {
            block_name(&format!("classifier.0.convs.{index}"), [1, 2], rest)
        }
        ["branches", index, _, rest @ ..] => {
            block_name(&format!("classifier.0.convs.{index}"), [0, 1], rest)
        }
        ["project", rest @ ..] => block_name("classifier.0.project", [0, 1], rest),
        _ => None,
    }
}

/// A convolution and its normalisation.
fn block_name(place: &str, [conv, norm]: [usize; 2], path: &[&str]) -> Option<TensorName> {
    match path {
        ["conv", rest @ ..] => conv_name(&format!("{place}.{conv}"), rest),
        ["norm", rest @ ..] => norm_name(&format!("{place}.{norm}"), rest),
        _ => None,
    }
}

fn last_layers_name(
    place: &str,
    [conv, norm, classifier]: [usize; 3],
    path: &[&str],
) -> Option<TensorName> {
    match path {
        ["conv", rest @ ..] => block_name(place, [conv, norm], rest),
        ["classifier", leaf @ ("weight" | "bias")] => {
            Some(TensorName::new(format!("{place}.{classifier}.{leaf}")))
        }
        _ => None,
    }
}
