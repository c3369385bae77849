use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::candidate::{Candidate, OperationConfig};
use super::layer::OperationLayer;
use super::node::Node;
use super::operations::{
    avg_pool::{self, AvgPool},
    conv::{self, PlainConv},
    max_pool::{self, MaxPool},
    separable::{self, SeparableConv},
    skip_connect::{self, SkipConnect},
    strip_conv::{self, StripConvs},
};
use super::{Stride, published};
use crate::SupernetError;
use crate::architecture::{OperationSet, by_name, find};
use crate::graph::{GraphBuilder, Value};
use crate::kernels::KernelBackend;
use crate::layers::{Scaled, Statistics, TensorName, WeightInit};

/// Makes [`Operation`], [`OperationModule`] and all matches on them of a list of
/// `Operation: Module = candidate`.
macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident: $module:ident = $candidate:path,)+) => {
        /// An operation of convolution cells: first those of [`Operation::DARTS`] in their order, then
        /// those that only other published cells and search spaces have (Zoph et al. 2018, Liu et al.
        /// 2018, Real et al. 2019).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            /// No connection: contributes zero.
            None,
            $($(#[$doc])* $operation,)+
        }

        impl OperationSet for Operation {
            const ALL: &'static [Self] = &[Operation::None, $(Operation::$operation),+];
            const SEARCHED: &'static [Self] = &Operation::DARTS;
            const NONE: Option<Self> = Some(Operation::None);
            const SKIP: Option<Self> = Some(Operation::SkipConnect);
            const POOLS: &'static [Self] = &Operation::POOLS;
            const PUBLISHED: &'static [(&'static str, &'static str)] = &published::TABLE;
            const CELLS: &'static [&'static str] = &["normal", "reduce"];
            const INPUTS: usize = 2;

            fn cell_title(cell: usize) -> String {
                ["normal cell", "reduction cell"][cell].into()
            }

            fn input_label(input: usize) -> String {
                ["c_{k-2}", "c_{k-1}"][input].into()
            }

            fn name(self) -> &'static str {
                match self {
                    Operation::None => "none",
                    $(Operation::$operation => $candidate.name(),)+
                }
            }
        }

        impl Operation {
            /// The convolutions of the operation on `channels` channels.
            pub(crate) fn layers(self, channels: usize, stride: Stride) -> Vec<OperationLayer> {
                match self {
                    Operation::None => Vec::new(),
                    $(Operation::$operation => $candidate.layers(channels, stride),)+
                }
            }

            /// Whether the operation hands its input on unchanged.
            pub(crate) fn is_identity(self, stride: Stride) -> bool {
                match self {
                    Operation::None => false,
                    $(Operation::$operation => $candidate.is_identity(stride),)+
                }
            }
        }

        /// A candidate operation with its weights. [`Operation::None`] has none: it contributes
        /// nothing to the output and nothing to a gradient, so it is never built.
        #[derive(Module, Debug)]
        #[allow(
            clippy::large_enum_variant,
            reason = "modules cannot be boxed, and an edge holds a handful"
        )]
        pub enum OperationModule<B: Backend> {
            $($(#[$doc])* $operation($module<B>),)+
        }

        impl<B: Backend> OperationModule<B> {
            /// Builds `operation`; nothing for [`Operation::None`].
            pub fn new(
                operation: Operation,
                config: OperationConfig,
                init: &mut WeightInit,
                device: &B::Device,
            ) -> Option<Self> {
                match operation {
                    Operation::None => None,
                    $(Operation::$operation => {
                        Some(Self::$operation($candidate.build(config, init, device)))
                    })+
                }
            }

            /// What the operation computes of a node, with running statistics.
            pub(crate) fn describe(&self, graph: &mut GraphBuilder, node: Value) -> Value {
                match self {
                    $(Self::$operation(module) => $candidate.describe(module, graph, node),)+
                }
            }
        }

        impl<B: KernelBackend> OperationModule<B> {
            /// The operation on its own.
            ///
            /// # Shapes
            ///
            /// - x: `[batch, channels, height, width]`
            /// - output: `[batch, channels, ceil(height / stride), ceil(width / stride)]`
            pub fn apply(&self, x: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 4> {
                self.forward(&Node::new(x), statistics).applied()
            }

            /// Applies the operation to a node `[batch, channels, height, width]`.
            pub(crate) fn forward(
                &self,
                node: &Node<B>,
                statistics: Statistics,
            ) -> Scaled<'_, B> {
                match self {
                    $(Self::$operation(module) => $candidate.forward(module, node, statistics),)+
                }
            }
        }

        /// The name in DARTS' code of a tensor of the operation at `place`; its path begins with the
        /// operation.
        pub(crate) fn operation_name(place: &str, path: &[&str]) -> Option<TensorName> {
            match path {
                $([stringify!($operation), rest @ ..] => $candidate.tensor_name(place, rest),)+
                _ => None,
            }
        }
    };
}

operations! {
    /// 3x3 maximum pooling.
    MaxPool3x3: MaxPool = max_pool::MAX_POOL_3X3,
    /// 3x3 average pooling; padding does not count.
    AvgPool3x3: AvgPool = avg_pool::AVG_POOL_3X3,
    /// Identity, or a factorised reduction at stride 2.
    SkipConnect: SkipConnect = skip_connect::SKIP_CONNECT,
    /// Depthwise separable 3x3 convolution, applied twice.
    SepConv3x3: SeparableConv = separable::SEP_CONV_3X3,
    /// Depthwise separable 5x5 convolution, applied twice.
    SepConv5x5: SeparableConv = separable::SEP_CONV_5X5,
    /// Depthwise separable 3x3 convolution with dilation 2.
    DilConv3x3: SeparableConv = separable::DIL_CONV_3X3,
    /// Depthwise separable 5x5 convolution with dilation 2.
    DilConv5x5: SeparableConv = separable::DIL_CONV_5X5,
    /// Depthwise separable 7x7 convolution, applied twice.
    SepConv7x7: SeparableConv = separable::SEP_CONV_7X7,
    /// Depthwise separable 3x3 convolution with dilation 2, applied twice.
    DilSepConv3x3: SeparableConv = separable::DIL_SEP_CONV_3X3,
    /// 1x7 convolution, then 7x1.
    Conv7x1And1x7: StripConvs = strip_conv::CONV_7X1_1X7,
    /// 1x3 convolution, then 3x1.
    Conv3x1And1x3: StripConvs = strip_conv::CONV_3X1_1X3,
    /// 1x1 convolution.
    Conv1x1: PlainConv = conv::CONV_1X1,
    /// 3x3 convolution.
    Conv3x3: PlainConv = conv::CONV_3X3,
    /// 5x5 average pooling; padding does not count.
    AvgPool5x5: AvgPool = avg_pool::AVG_POOL_5X5,
    /// 5x5 maximum pooling.
    MaxPool5x5: MaxPool = max_pool::MAX_POOL_5X5,
    /// 7x7 maximum pooling.
    MaxPool7x7: MaxPool = max_pool::MAX_POOL_7X7,
}

impl Operation {
    /// The candidates of DARTS (Liu et al. 2019, section 3.1), which are searched by default.
    pub const DARTS: [Self; 8] = [
        Self::None,
        Self::MaxPool3x3,
        Self::AvgPool3x3,
        Self::SkipConnect,
        Self::SepConv3x3,
        Self::SepConv5x5,
        Self::DilConv3x3,
        Self::DilConv5x5,
    ];

    const POOLS: [Self; 5] = [
        Self::MaxPool3x3,
        Self::AvgPool3x3,
        Self::AvgPool5x5,
        Self::MaxPool5x5,
        Self::MaxPool7x7,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = SupernetError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        find("operation", name)
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        by_name::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        by_name::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_a_misspelling_gets_a_suggestion() {
        // Logits and the weights of a search are in this order.
        assert_eq!(Operation::ALL[..8], Operation::DARTS);
        for &op in Operation::ALL {
            assert_eq!(op.name().parse::<Operation>().unwrap(), op);
            let json = format!("\"{}\"", op.name());
            assert_eq!(serde_json::to_string(&op).unwrap(), json);
            assert_eq!(serde_json::from_str::<Operation>(&json).unwrap(), op);
        }
        let pools = Operation::ALL
            .iter()
            .copied()
            .filter(|op| op.name().contains("pool"));
        assert!(pools.clone().all(|op| Operation::POOLS.contains(&op)));
        assert_eq!(pools.count(), Operation::POOLS.len());
        let error = "sep_conv3x3".parse::<Operation>().unwrap_err().to_string();
        assert!(error.contains("did you mean `sep_conv_3x3`"), "{error}");
    }
}
