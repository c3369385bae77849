use supernet::graph::{Axis, Element, Function};
use supernet::{DerivedNetwork, ModelBackend};

use super::ExportConfig;
use crate::export::json_text;
use crate::{OnnxModel, TrainError};

/// The network for images of its size: pixels in, logits out.
pub(super) fn onnx<B: ModelBackend>(
    export: &ExportConfig,
    network: &DerivedNetwork<B>,
) -> Result<OnnxModel, TrainError> {
    let (image, batch) = (&export.image, Axis::Any("batch"));
    let channels = export.network.network.image_channels;
    let sides = [channels, image.height, image.width].map(Axis::Fixed);
    let mut graph = network.graph();
    let axes = [batch].into_iter().chain(sides).collect();
    let pixels = graph.input("pixels", Element::Float, axes);
    let standardisation = Function::Standardisation {
        mean: image.mean.clone(),
        std: image.std.clone(),
    };
    let images = graph.apply(standardisation, &[pixels]);
    let logits = network.describe(&mut graph, images);
    let classes = Axis::Fixed(export.network.network.classes);
    graph.output("logits", logits, vec![batch, classes]);
    let mut properties = vec![
        ("task", "image".into()),
        ("genotype", export.network.genotype.to_string()),
    ];
    if let Some(names) = &export.class_names {
        properties.push(("classes", json_text("the names of the classes", names)?));
    }
    let colours = match channels {
        1 => "grey",
        _ => "red, green and blue",
    };
    Ok(OnnxModel {
        graph: graph.finish()?,
        about: format!(
            "Tells the class of images. Goes in: `pixels` [batch, {channels}, {height}, {width}], {colours} from 0 \
             to 1, row by row from the top; they are normalised here. Comes out: `logits` [batch, classes], whose \
             softmax are probabilities, in the order of the property `classes` where there is one.",
            height = image.height,
            width = image.width,
        ),
        properties,
    })
}
