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

/// The name of the tensor at this path of modules, if it has one.
pub(crate) fn darts_name(path: &[String]) -> Option<String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["stem", "Cifar", "conv", "weight"] => Some("stem.0.weight".into()),
        ["stem", "Cifar", "norm", rest @ ..] => norm("stem.1", rest),
        ["stem", "Imagenet", "convs", index, "weight"] => {
            let place = ["stem0.0", "stem0.3", "stem1.1"].get(index.parse::<usize>().ok()?)?;
            Some(format!("{place}.weight"))
        }
        ["stem", "Imagenet", "norms", index, rest @ ..] => {
            let place = ["stem0.1", "stem0.4", "stem1.2"].get(index.parse::<usize>().ok()?)?;
            norm(place, rest)
        }
        ["cells", cell, "preprocess", index, rest @ ..] => {
            block(&format!("cells.{cell}.preprocess{index}"), rest)
        }
        ["cells", cell, "operations", index, rest @ ..] => {
            block(&format!("cells.{cell}._ops.{index}"), rest)
        }
        ["auxiliary_head", "narrow", "weight"] => Some("auxiliary_head.features.2.weight".into()),
        ["auxiliary_head", "narrow_norm", rest @ ..] => norm("auxiliary_head.features.3", rest),
        ["auxiliary_head", "wide", "weight"] => Some("auxiliary_head.features.5.weight".into()),
        ["auxiliary_head", "wide_norm", rest @ ..] => norm("auxiliary_head.features.6", rest),
        ["auxiliary_head", "classifier", leaf] => Some(format!("auxiliary_head.classifier.{leaf}")),
        ["classifier", leaf] => Some(format!("classifier.{leaf}")),
        _ => None,
    }
}

/// Whether the tensor of this name is stored transposed in a file.
pub(crate) fn is_transposed(name: &str) -> bool {
    name.ends_with("classifier.weight")
}

/// A block of a cell, from its variant on.
fn block(place: &str, path: &[&str]) -> Option<String> {
    match path {
        ["Same", "conv", "weight"] => Some(format!("{place}.op.1.weight")),
        ["Same", "norm", rest @ ..] => norm(&format!("{place}.op.2"), rest),
        ["Reduce", rest @ ..] | ["Skip", "reduce", rest @ ..] => match rest {
            ["even", "weight"] => Some(format!("{place}.conv_1.weight")),
            ["odd", "weight"] => Some(format!("{place}.conv_2.weight")),
            ["norm", rest @ ..] => norm(&format!("{place}.bn"), rest),
            _ => None,
        },
        ["Separable", "stages", stage, rest @ ..] => {
            // A stage is ReLU, depthwise, pointwise, normalisation.
            let first = 4 * stage.parse::<usize>().ok()?;
            match rest {
                ["depthwise", "weight"] => Some(format!("{place}.op.{}.weight", first + 1)),
                ["pointwise", "weight"] => Some(format!("{place}.op.{}.weight", first + 2)),
                ["norm", rest @ ..] => norm(&format!("{place}.op.{}", first + 3), rest),
                _ => None,
            }
        }
        _ => None,
    }
}

fn norm(place: &str, path: &[&str]) -> Option<String> {
    let leaf = match path {
        ["affine", "gamma"] => "weight",
        ["affine", "beta"] => "bias",
        ["running_mean"] => "running_mean",
        ["running_variance"] => "running_var",
        _ => return None,
    };
    Some(format!("{place}.{leaf}"))
}
