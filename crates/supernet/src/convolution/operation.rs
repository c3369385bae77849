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
    dil_conv::{self, DilConv},
    max_pool::{self, MaxPool},
    sep_conv::{self, SepConv},
    skip_connect::{self, SkipConnect},
};
use crate::SupernetError;
use crate::architecture::{OperationSet, by_name, find};
use crate::kernels::KernelBackend;
use crate::layers::{Statistics, TensorName, WeightInit};

/// Makes [`Operation`], [`OperationModule`] and all matches on them of a list of
/// `Operation: Module = candidate`.
macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident: $module:ident = $candidate:path,)+) => {
        /// A candidate operation of the convolution search space, in the order of DARTS (Liu et al.
        /// 2019, section 3.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            /// No connection: contributes zero.
            None,
            $($(#[$doc])* $operation,)+
        }

        impl OperationSet for Operation {
            const ALL: &'static [Self] = &[Operation::None, $(Operation::$operation),+];
            const NONE: Option<Self> = Some(Operation::None);
            const CELLS: &'static [&'static str] = &["normal", "reduce"];
            const INPUTS: usize = 2;

            fn name(self) -> &'static str {
                match self {
                    Operation::None => "none",
                    $(Operation::$operation => $candidate.name(),)+
                }
            }
        }

        impl Operation {
            /// The convolutions of the operation on `channels` channels.
            pub(crate) fn layers(self, channels: usize, stride: usize) -> Vec<OperationLayer> {
                match self {
                    Operation::None => Vec::new(),
                    $(Operation::$operation => $candidate.layers(channels, stride),)+
                }
            }

            /// Whether the operation hands its input on unchanged.
            pub(crate) fn is_identity(self, stride: usize) -> bool {
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
            pub(crate) fn new(
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
        }

        impl<B: KernelBackend> OperationModule<B> {
            /// Applies the operation to a node `[batch, channels, height, width]`.
            pub(crate) fn forward(&self, node: &Node<B>, statistics: Statistics) -> Tensor<B, 4> {
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
    SepConv3x3: SepConv = sep_conv::SEP_CONV_3X3,
    /// Depthwise separable 5x5 convolution, applied twice.
    SepConv5x5: SepConv = sep_conv::SEP_CONV_5X5,
    /// Depthwise separable 3x3 convolution with dilation 2.
    DilConv3x3: DilConv = dil_conv::DIL_CONV_3X3,
    /// Depthwise separable 5x5 convolution with dilation 2.
    DilConv5x5: DilConv = dil_conv::DIL_CONV_5X5,
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
        assert_eq!(Operation::ALL.len(), 8);
        for &op in Operation::ALL {
            assert_eq!(op.name().parse::<Operation>().unwrap(), op);
            let json = format!("\"{}\"", op.name());
            assert_eq!(serde_json::to_string(&op).unwrap(), json);
            assert_eq!(serde_json::from_str::<Operation>(&json).unwrap(), op);
        }
        let error = "sep_conv3x3".parse::<Operation>().unwrap_err().to_string();
        assert!(error.contains("did you mean `sep_conv_3x3`"), "{error}");
    }
}
