use super::Genotype;
use crate::SupernetError;

/// A published pair of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// First-order DARTS (Liu et al. 2019).
    DartsV1,
    /// Second-order DARTS (Liu et al. 2019).
    DartsV2,
    /// SNAS with the moderate constraint (Xie et al. 2019).
    Snas,
    /// DATA with M = 4, searched on CIFAR-10 (Chang et al. 2019).
    DataM4,
}

impl Published {
    /// All of them.
    pub const ALL: [Published; 4] = [Self::DartsV1, Self::DartsV2, Self::Snas, Self::DataM4];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DartsV1 => "darts-v1",
            Self::DartsV2 => "darts-v2",
            Self::Snas => "snas",
            Self::DataM4 => "data-m4",
        }
    }

    /// The cells of this name, if there are any.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cells| cells.name() == name)
    }

    /// The cells in the text form of [`Genotype`].
    pub const fn text(self) -> &'static str {
        match self {
            Self::DartsV1 => {
                "normal: sep_conv_3x3@1 sep_conv_3x3@0 | skip_connect@0 sep_conv_3x3@1 \
                 | skip_connect@0 sep_conv_3x3@1 | sep_conv_3x3@0 skip_connect@2\n\
                 reduce: max_pool_3x3@0 max_pool_3x3@1 | skip_connect@2 max_pool_3x3@0 \
                 | max_pool_3x3@0 skip_connect@2 | skip_connect@2 avg_pool_3x3@0"
            }
            Self::DartsV2 => {
                "normal: sep_conv_3x3@0 sep_conv_3x3@1 | sep_conv_3x3@0 sep_conv_3x3@1 \
                 | sep_conv_3x3@1 skip_connect@0 | skip_connect@0 dil_conv_3x3@2\n\
                 reduce: max_pool_3x3@0 max_pool_3x3@1 | skip_connect@2 max_pool_3x3@1 \
                 | max_pool_3x3@0 skip_connect@2 | skip_connect@2 max_pool_3x3@1"
            }
            Self::Snas => {
                "normal: sep_conv_3x3@0 sep_conv_3x3@1 | skip_connect@0 dil_conv_3x3@1 \
                 | skip_connect@0 skip_connect@1 | skip_connect@0 sep_conv_3x3@1\n\
                 reduce: max_pool_3x3@0 max_pool_3x3@1 | skip_connect@2 max_pool_3x3@1 \
                 | skip_connect@2 max_pool_3x3@1 | max_pool_3x3@0 dil_conv_3x3@2"
            }
            Self::DataM4 => {
                "normal: skip_connect@0 sep_conv_3x3@0 sep_conv_3x3@1 \
                 | skip_connect@2 skip_connect@1 sep_conv_3x3@2 | sep_conv_5x5@3 skip_connect@3 \
                 | skip_connect@0 sep_conv_5x5@1 sep_conv_3x3@2\n\
                 reduce: skip_connect@1 dil_conv_3x3@1 dil_conv_5x5@1 \
                 | sep_conv_5x5@0 dil_conv_5x5@2 skip_connect@1 | max_pool_3x3@0 skip_connect@2 \
                 | dil_conv_3x3@1 dil_conv_5x5@1 skip_connect@3"
            }
        }
    }

    /// The cells.
    ///
    /// # Errors
    ///
    /// None for the cells listed here; the type is that of reading any genotype.
    pub fn genotype(self) -> Result<Genotype, SupernetError> {
        Genotype::parse(self.name(), self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_cells_of_four_nodes() {
        for cells in Published::ALL {
            let found = Published::find(cells.name()).unwrap();
            assert_eq!(found.genotype().unwrap().nodes(), 4);
        }
        assert_eq!(Published::find("darts"), None);
    }
}
