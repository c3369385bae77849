use std::collections::BTreeMap;
use std::fmt;

use burn::tensor::backend::Backend;

use super::stem::classifier_form;
use super::tensors::{BACKBONE, segmentation_name};
use super::{EncoderChoice, SegmentationNetwork, SegmentationNetworkConfig};
use crate::SupernetError;
use crate::convolution::DerivedConfig;
use crate::layers::{COUNTERS, StateDict, write_tensors};

/// What became of the tensors of a classifier whose encoder a segmentation network takes over. The names
/// are those of the network that has the tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderTransfer {
    /// Tensors of the segmentation network that the classifier gave.
    pub taken: Vec<String>,
    /// Numbers in them, running statistics among them.
    pub numbers: usize,
    /// Tensors of the segmentation network that keep their fresh values.
    pub fresh: Vec<String>,
    /// Tensors of the classifier that are not used.
    pub unused: Vec<String>,
}

impl SegmentationNetworkConfig {
    /// `network`, which has this configuration, with the stem and the cells of a classifier of the same
    /// cells. First layers of another form or for images of other channels are not taken over.
    ///
    /// # Errors
    ///
    /// [`SupernetError::Config`] when the cells differ, [`SupernetError::State`] naming the first tensor of
    /// a cell that is missing or of another shape.
    pub fn take_encoder<B: Backend>(
        &self,
        network: SegmentationNetwork<B>,
        classifier: &DerivedConfig,
        state: &StateDict,
    ) -> Result<(SegmentationNetwork<B>, EncoderTransfer), SupernetError> {
        self.check_cells(classifier)?;
        let own = network.state_dict();
        let fits = |name: &str, inner: &str| {
            let found = state.get(inner).map(|tensor| &tensor.shape);
            found == own.get(name).map(|tensor| &tensor.shape)
        };
        let encoder = || {
            let names = own.keys();
            names.filter_map(|name| Some((name, name.strip_prefix(BACKBONE)?)))
        };
        let mut stem = encoder().filter(|(_, inner)| is_stem(inner));
        let same_form = classifier_form(self.network.size.stem_stride) == Some(classifier.form);
        let takes_stem = same_form && stem.all(|(name, inner)| fits(name, inner));
        let mut taken = BTreeMap::new();
        for (name, inner) in encoder().filter(|(_, inner)| takes_stem || !is_stem(inner)) {
            let tensor = state
                .get(inner)
                .ok_or_else(|| SupernetError::state(inner, "is missing"))?;
            if !fits(name, inner) {
                let problem = format!("has shape {:?}, not {:?}", tensor.shape, own[name].shape);
                return Err(SupernetError::state(inner, problem));
            }
            taken.insert(name.clone(), tensor.clone());
        }
        let is_used = |name: &String| taken.contains_key(&format!("{BACKBONE}{name}"));
        let unused = state.keys().filter(|name| !name.ends_with(COUNTERS));
        let transfer = EncoderTransfer {
            numbers: taken.values().map(|tensor| tensor.values.len()).sum(),
            fresh: own
                .keys()
                .filter(|name| !taken.contains_key(*name))
                .cloned()
                .collect(),
            unused: unused.filter(|name| !is_used(name)).cloned().collect(),
            taken: taken.keys().cloned().collect(),
        };
        Ok((write_tensors(network, &taken, segmentation_name), transfer))
    }

    /// Whether a classifier has the cells of this network.
    fn check_cells(&self, classifier: &DerivedConfig) -> Result<(), SupernetError> {
        let (own, other) = (self.network.cells(), &classifier.network);
        let shape = |cells: usize, channels: usize| format!("{cells} cells of {channels} channels");
        let [found, valid] = [other, &own].map(|network| shape(network.cells, network.channels));
        if found != valid {
            return Err(SupernetError::config("encoder", found, valid));
        }
        match &self.encoder {
            EncoderChoice::Cells { genotype } if *genotype == classifier.genotype => Ok(()),
            EncoderChoice::Cells { .. } => {
                let found = "a network of other cells";
                let valid = "a network of the cells of `genotype`";
                Err(SupernetError::config("encoder", found, valid))
            }
            EncoderChoice::Plain { .. } => {
                let found = "a network of cells";
                let valid = "none for the plain encoder";
                Err(SupernetError::config("encoder", found, valid))
            }
        }
    }
}

/// Whether a classifier's tensor is one of its first layers'.
fn is_stem(name: &str) -> bool {
    name.starts_with("stem")
}

impl fmt::Display for EncoderTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tensors, numbers) = (self.taken.len(), self.numbers);
        let parts = |names: &[String]| {
            let mut parts: Vec<&str> = names.iter().map(|name| part(name)).collect();
            parts.dedup();
            match parts.is_empty() {
                true => "nothing".into(),
                false => parts.join(", "),
            }
        };
        write!(
            f,
            "took over {tensors} tensors ({numbers} numbers) of {}; fresh: {}; not used: {}",
            parts(&self.taken),
            parts(&self.fresh),
            parts(&self.unused)
        )
    }
}

/// The part of a network that a tensor belongs to.
fn part(name: &str) -> &str {
    let name = name.strip_prefix(BACKBONE).unwrap_or(name);
    match name.split('.').next().unwrap_or(name) {
        "stem0" | "stem1" => "stem",
        first => first,
    }
}
