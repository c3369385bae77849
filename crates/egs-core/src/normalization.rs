use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::activation::in_rows;

/// Added to the size of a code before dividing by it.
pub const SUM_EPSILON: f32 = 1e-9;

/// How the binary code becomes the weights that mix the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// `weights = code`, the formula of the paper.
    #[default]
    None,
    /// `weights = code / (sum code + 1e-9)`, what the authors' supernet uses.
    Sum,
}

impl Normalization {
    /// Weights of a code.
    ///
    /// # Shapes
    ///
    /// - code: `[.., ops]`
    /// - output: `[.., ops]`
    pub fn apply<B: Backend, const D: usize>(self, code: Tensor<B, D>) -> Tensor<B, D> {
        match self {
            Normalization::None => code,
            Normalization::Sum => {
                let dims = code.dims();
                let rows = in_rows(code);
                let sum = rows.clone().sum_dim(1).add_scalar(SUM_EPSILON);
                (rows / sum).reshape(dims)
            }
        }
    }
}
