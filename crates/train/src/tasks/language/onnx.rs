use supernet::ModelBackend;
use supernet::recurrent::{CellChoice, LanguageNetwork};

use super::LanguageExport;
use crate::export::json_text;
use crate::{OnnxModel, TrainError};

/// A step of the network: a word of each stream and the state before in, what is said of the next word and the
/// state after out.
pub(super) fn onnx<B: ModelBackend>(
    export: &LanguageExport,
    network: &LanguageNetwork<B>,
) -> Result<OnnxModel, TrainError> {
    let mut graph = network.graph();
    network.describe(&mut graph);
    let mut properties = vec![
        ("task", "language".into()),
        ("words", json_text("the words", &export.vocabulary)?),
    ];
    if let Some(text) = &export.text {
        properties.push(("text", json_text("how a text becomes words", text)?));
    }
    if let CellChoice::Derived { genotype, .. } = &export.network.cell {
        properties.push(("genotype", genotype.to_string()));
    }
    Ok(OnnxModel {
        graph: graph.finish()?,
        about: "Reads a word of each stream. Goes in: `words` [batch], their numbers in the property `words`, and \
                the state before, `hidden` [batch, hidden] (and `memory` of an LSTM), zeros at the beginning. Comes \
                out: `log_probabilities` [batch, words] of the next word, and the state after, `next_hidden` (and \
                `next_memory`), which goes in with the next word."
            .into(),
        properties,
    })
}
