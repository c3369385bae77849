//! Names of a language network's tensors.
//!
//! | here | DARTS' code |
//! |---|---|
//! | vectors of words, and the decoder's rows | `encoder.weight`, `decoder.weight` |
//! | bias of the decoder | `decoder.bias` |
//! | the cell's first matrix | `rnns.0._W0` |
//! | the matrix of step `N` | `rnns.0._Ws.N` |
//!
//! The matrices have the same layout there. An LSTM is none of that code: its weight and bias are
//! `rnns.0.weight` and `rnns.0.bias`, and a normalisation of states `rnns.0.bn`, as in the searched cell
//! there.

use burn::tensor::backend::Backend;

use super::LanguageNetwork;
use crate::SupernetError;
use crate::graph::GraphBuilder;
use crate::layers::{StateDict, TensorName, norm_name, read_tensors, tensor_names, write_tensors};

const VECTORS: &str = "encoder.weight";
/// The same tensor once more, as weights are tied.
const DECODER: &str = "decoder.weight";

impl<B: Backend> LanguageNetwork<B> {
    /// The beginning of a graph of this network.
    pub fn graph(&self) -> GraphBuilder {
        GraphBuilder::new(tensor_names(self, name))
    }

    /// All weights and running statistics, by name. The vectors of words stand once, as
    /// `encoder.weight`.
    pub fn state_dict(&self) -> StateDict {
        read_tensors(self, name)
    }

    /// The network with the weights and running statistics of `state`, where `decoder.weight` may be
    /// left out.
    ///
    /// # Errors
    ///
    /// [`SupernetError::State`] naming the first tensor that is missing, of another shape, or not part
    /// of the network; or a `decoder.weight` that is not `encoder.weight`.
    pub fn load_state_dict(self, state: &StateDict) -> Result<Self, SupernetError> {
        let own = self.state_dict();
        for (name, tensor) in &own {
            let found = state
                .get(name)
                .ok_or_else(|| SupernetError::state(name, "is missing"))?;
            if found.shape != tensor.shape || found.values.len() != tensor.values.len() {
                let problem = format!("has shape {:?}, not {:?}", found.shape, tensor.shape);
                return Err(SupernetError::state(name, problem));
            }
        }
        for (name, tensor) in state {
            if name == DECODER
                && state.get(VECTORS).map(|tied| &tied.values) == Some(&tensor.values)
            {
                continue;
            }
            if name == DECODER {
                let problem = format!("differs from `{VECTORS}`, whose weights it shares");
                return Err(SupernetError::state(name, problem));
            }
            if !own.contains_key(name) && !name.ends_with("num_batches_tracked") {
                return Err(SupernetError::state(name, "is not part of the network"));
            }
        }
        Ok(write_tensors(self, state, self::name))
    }
}

/// The name of the tensor at this path of modules, if it has one.
fn name(path: &[&str]) -> Option<TensorName> {
    let name = match path {
        ["words", "vectors"] => VECTORS.into(),
        ["words", "bias"] => "decoder.bias".into(),
        ["cell", "Derived", "weights", "first"] => "rnns.0._W0".into(),
        ["cell", "Derived", "weights", "steps", step] => format!("rnns.0._Ws.{step}"),
        ["cell", "Derived", "weights", "norm", rest @ ..] => return norm_name("rnns.0.bn", rest),
        ["cell", "Lstm", leaf] => format!("rnns.0.{leaf}"),
        _ => return None,
    };
    Some(TensorName::new(name))
}
