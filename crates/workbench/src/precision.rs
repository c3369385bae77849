//! Mixed precision: what convolutions are computed in.

use std::fmt;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::backend::BackendName;

/// What convolutions are computed in. The weights, the optimiser, normalisation, the classifier and
/// the loss are always f32 (mixed precision, Micikevicius et al. 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with 5 of them for the exponent; the loss is scaled up so that small gradients
    /// survive.
    F16,
    /// 16 bits with the exponent of f32.
    Bf16,
}

impl Precision {
    /// The type of an activation.
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }

    /// Factor of the loss before it is differentiated; gradients are divided by it.
    pub fn loss_scale(self) -> f64 {
        match self {
            Self::F32 | Self::Bf16 => 1.0,
            Self::F16 => 1024.0,
        }
    }

    /// Checks that a backend can do it.
    ///
    /// # Errors
    ///
    /// What would be valid on that backend, in words.
    pub fn check(self, backend: BackendName) -> Result<(), String> {
        let valid: &[Precision] = match backend {
            BackendName::Cuda => &[Self::F32, Self::F16, Self::Bf16],
            BackendName::Flex | BackendName::Vulkan | BackendName::Wgpu => &[Self::F32],
        };
        if valid.contains(&self) {
            return Ok(());
        }
        let names: Vec<_> = valid.iter().map(Precision::to_string).collect();
        Err(format!("{} on backend `{backend}`", names.join(", ")))
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// A copy of `module` whose convolutions compute in `dtype`. Their weights are casts of the
/// module's, so differentiating by the module's works as if there were no copy.
pub fn cast_convolutions<B: Backend, M: Module<B>>(module: &M, dtype: DType) -> M {
    struct Cast(DType);
    impl<B: Backend> ModuleMapper<B> for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
            // Only the weights of convolutions have four axes.
            if D != 4 {
                return param;
            }
            Param::initialized(param.id, param.val().cast(self.0))
        }
    }
    module.clone().map(&mut Cast(dtype))
}

/// `module` with the running statistics of `other`, which moved while it ran.
pub fn take_statistics<B: Backend, M: Module<B>>(module: M, other: &M) -> M {
    const RUNNING: &str = "running_";
    struct Collect<B: Backend> {
        values: GradientsParams,
        inside: bool,
        backend: std::marker::PhantomData<B>,
    }
    impl<B: Backend> ModuleVisitor<B> for Collect<B> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.inside = name.starts_with(RUNNING);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if self.inside {
                self.values.register::<B, D>(param.id, param.val());
            }
        }
    }
    impl<B: Backend> ModuleMapper<B> for Collect<B> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
            match self.values.remove::<B, D>(param.id) {
                Some(value) => Param::initialized(param.id, value),
                None => param,
            }
        }
    }
    let mut statistics = Collect::<B> {
        values: GradientsParams::new(),
        inside: false,
        backend: std::marker::PhantomData,
    };
    other.visit(&mut statistics);
    module.map(&mut statistics)
}
