//! Layers of networks for images, counted.

use std::str::FromStr;

use supernet::LayerCount;

/// Height and width, as in `32x32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides(pub(crate) [usize; 2]);

impl FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (height, width) = text.split_once('x')?;
            Some(Self([height.parse().ok()?, width.parse().ok()?]))
        };
        parse().ok_or_else(|| "valid: height and width, such as 32x32".into())
    }
}

/// Weights and multiply-adds of every layer and of all, as a table.
pub(crate) fn layer_table(layers: &[LayerCount]) -> String {
    let place = layers
        .iter()
        .map(|layer| layer.place.len())
        .max()
        .unwrap_or(0);
    let row = |name: &str, kind: &str, weights: &str, cost: &str| {
        format!("{name:place$}  {kind:13} {weights:>10} {cost:>14}\n")
    };
    let mut text = row("layer", "kind", "weights", "multiply-adds");
    let (mut weights, mut cost) = (0, 0);
    for layer in layers {
        weights += layer.weights;
        cost += layer.multiply_adds;
        text += &row(
            &layer.place,
            &layer.kind.to_string(),
            &layer.weights.to_string(),
            &layer.multiply_adds.to_string(),
        );
    }
    text += &row("all", "", &weights.to_string(), &cost.to_string());
    text
}
