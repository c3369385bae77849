use std::fmt;

use serde::{Deserialize, Serialize};
use supernet::Relaxation;

/// How an architecture is searched. All methods share one supernet, one loop and one configuration;
/// what differs is in [`MethodRules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchMethod {
    /// The Ensemble Gumbel-Softmax estimator (Chang et al., "DATA", NeurIPS 2019).
    Egs,
    /// The softmax mixture of all operations (Liu et al., "DARTS", ICLR 2019); of first order, or of
    /// second order where `alpha.second_order` says so.
    Darts,
    /// One relaxed Gumbel-Softmax draw, in which all operations take part (Xie et al., "SNAS", ICLR
    /// 2019).
    Snas,
    /// One hard Gumbel-Softmax draw (Dong and Yang, "GDAS", CVPR 2019): only the drawn operation of
    /// an edge runs, in both steps.
    Gdas,
    /// No search: the weights are trained under codes drawn uniformly, and the child is one more such
    /// code. The size of the ensemble is `architecture.draws`, as for [`Egs`](Self::Egs).
    Random,
}

/// What a method does differently from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodRules {
    /// The name in configurations.
    pub name: &'static str,
    /// What the supernet runs as, in both steps and when it is scored.
    pub relaxation: Relaxation,
    /// Whether the ensemble has one member by definition.
    pub one_draw: bool,
    /// Whether there are logits to train.
    pub learns: bool,
    /// Whether a step of the logits may look one weight step ahead.
    pub second_order: bool,
    /// Values of the configuration that this method starts from, as TOML: they replace those that
    /// were meant for another method.
    pub defaults: &'static str,
}

impl SearchMethod {
    /// What the method does differently.
    pub fn rules(self) -> MethodRules {
        match self {
            SearchMethod::Egs => MethodRules {
                name: "egs",
                relaxation: Relaxation::Code,
                one_draw: false,
                learns: true,
                second_order: false,
                defaults: include_str!("method/egs.toml"),
            },
            SearchMethod::Darts => MethodRules {
                name: "darts",
                relaxation: Relaxation::Mixture,
                one_draw: true,
                learns: true,
                second_order: true,
                defaults: include_str!("method/darts.toml"),
            },
            SearchMethod::Snas => MethodRules {
                name: "snas",
                relaxation: Relaxation::Relaxed,
                one_draw: true,
                learns: true,
                second_order: false,
                defaults: include_str!("method/snas.toml"),
            },
            SearchMethod::Gdas => MethodRules {
                name: "gdas",
                relaxation: Relaxation::Code,
                one_draw: true,
                learns: true,
                second_order: false,
                defaults: include_str!("method/gdas.toml"),
            },
            SearchMethod::Random => MethodRules {
                name: "random",
                relaxation: Relaxation::Code,
                one_draw: false,
                learns: false,
                second_order: false,
                defaults: include_str!("method/random.toml"),
            },
        }
    }
}

impl fmt::Display for SearchMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rules().name)
    }
}
