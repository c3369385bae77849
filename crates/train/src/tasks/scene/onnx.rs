use supernet::ModelBackend;
use supernet::graph::{Axis, Element, Function};
use supernet::segmentation::{EncoderChoice, SegmentationNetwork};

use super::SceneExport;
use crate::export::json_text;
use crate::{OnnxModel, TrainError};

/// The network for images of any size: pixels in, logits of each out.
pub(super) fn onnx<B: ModelBackend>(
    export: &SceneExport,
    network: &SegmentationNetwork<B>,
) -> Result<OnnxModel, TrainError> {
    let (batch, sides) = (
        Axis::Any("batch"),
        [Axis::Any("height"), Axis::Any("width")],
    );
    let of = |channels| {
        let axes = [batch, Axis::Fixed(channels)].into_iter().chain(sides);
        axes.collect::<Vec<_>>()
    };
    let mut graph = network.graph();
    let pixels = graph.input("pixels", Element::Float, of(3));
    let standardisation = Function::Standardisation {
        mean: export.image.mean.to_vec(),
        std: export.image.std.to_vec(),
    };
    let images = graph.apply(standardisation, &[pixels]);
    let logits = network.describe(&mut graph, images);
    graph.output("logits", logits, of(export.network.network.classes));
    let mut properties = vec![
        ("task", "scene".into()),
        (
            "classes",
            json_text("the names of the classes", &export.class_names)?,
        ),
    ];
    if let EncoderChoice::Cells { genotype } = &export.network.encoder {
        properties.push(("genotype", genotype.to_string()));
    }
    Ok(OnnxModel {
        graph: graph.finish()?,
        about: "Tells the class of every pixel. Goes in: `pixels` [batch, 3, height, width], red, green and blue \
                from 0 to 1, row by row from the top, of any height and width from 8 to 4096; they are normalised \
                here. Comes out: `logits` [batch, classes, height, width], whose softmax over the classes are \
                probabilities, in the order of the property `classes`."
            .into(),
        properties,
    })
}
