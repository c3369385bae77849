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
    /// P-DARTS, searched on CIFAR-10 (Chen et al. 2019).
    PDarts,
    /// PC-DARTS, searched on CIFAR-10 (Xu et al. 2020).
    PcDarts,
    /// PC-DARTS, searched on ImageNet (Xu et al. 2020).
    PcDartsImagenet,
    /// NASNet-A (Zoph et al. 2018), in the outer network of DARTS.
    NasnetA,
    /// AmoebaNet-A (Real et al. 2019), in the outer network of DARTS.
    AmoebanetA,
}

/// Names and texts of all.
pub(crate) const TABLE: [(&str, &str); Published::ALL.len()] = {
    let mut table = [("", ""); Published::ALL.len()];
    let mut index = 0;
    while index < table.len() {
        let cells = Published::ALL[index];
        table[index] = (cells.name(), cells.text());
        index += 1;
    }
    table
};

impl Published {
    /// All of them.
    pub const ALL: [Published; 9] = [
        Self::DartsV1,
        Self::DartsV2,
        Self::Snas,
        Self::DataM4,
        Self::PDarts,
        Self::PcDarts,
        Self::PcDartsImagenet,
        Self::NasnetA,
        Self::AmoebanetA,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DartsV1 => "darts-v1",
            Self::DartsV2 => "darts-v2",
            Self::Snas => "snas",
            Self::DataM4 => "data-m4",
            Self::PDarts => "p-darts",
            Self::PcDarts => "pc-darts",
            Self::PcDartsImagenet => "pc-darts-imagenet",
            Self::NasnetA => "nasnet-a",
            Self::AmoebanetA => "amoebanet-a",
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
            Self::PDarts => {
                "normal: skip_connect@0 dil_conv_3x3@1 | skip_connect@0 sep_conv_3x3@1 | \
                 sep_conv_3x3@1 sep_conv_3x3@3 | sep_conv_3x3@0 dil_conv_5x5@4\n\
                 reduce: avg_pool_3x3@0 sep_conv_5x5@1 | sep_conv_3x3@0 dil_conv_5x5@2 | \
                 max_pool_3x3@0 dil_conv_3x3@1 | dil_conv_3x3@1 dil_conv_5x5@3"
            }
            Self::PcDarts => {
                "normal: sep_conv_3x3@1 skip_connect@0 | sep_conv_3x3@0 dil_conv_3x3@1 | \
                 sep_conv_5x5@0 sep_conv_3x3@1 | avg_pool_3x3@0 dil_conv_3x3@1\n\
                 reduce: sep_conv_5x5@1 max_pool_3x3@0 | sep_conv_5x5@1 sep_conv_5x5@2 | \
                 sep_conv_3x3@0 sep_conv_3x3@3 | sep_conv_3x3@1 sep_conv_3x3@2"
            }
            Self::PcDartsImagenet => {
                "normal: skip_connect@1 sep_conv_3x3@0 | sep_conv_3x3@0 skip_connect@1 | \
                 sep_conv_3x3@1 sep_conv_3x3@3 | sep_conv_3x3@1 dil_conv_5x5@4\n\
                 reduce: sep_conv_3x3@0 skip_connect@1 | dil_conv_5x5@2 max_pool_3x3@1 | \
                 sep_conv_3x3@2 sep_conv_3x3@1 | sep_conv_5x5@0 sep_conv_3x3@3"
            }
            Self::NasnetA => {
                "normal: sep_conv_5x5@1 sep_conv_3x3@0 | sep_conv_5x5@0 sep_conv_3x3@0 | \
                 avg_pool_3x3@1 skip_connect@0 | avg_pool_3x3@0 avg_pool_3x3@0 | \
                 sep_conv_3x3@1 skip_connect@1\n\
                 reduce: sep_conv_5x5@1 sep_conv_7x7@0 | max_pool_3x3@1 sep_conv_7x7@0 | \
                 avg_pool_3x3@1 sep_conv_5x5@0 | skip_connect@3 avg_pool_3x3@2 | \
                 sep_conv_3x3@2 max_pool_3x3@1\n\
                 reduce_concat: 4 5 6"
            }
            Self::AmoebanetA => {
                "normal: avg_pool_3x3@0 max_pool_3x3@1 | sep_conv_3x3@0 sep_conv_5x5@2 | \
                 sep_conv_3x3@0 avg_pool_3x3@3 | sep_conv_3x3@1 skip_connect@1 | \
                 skip_connect@0 avg_pool_3x3@1\n\
                 normal_concat: 4 5 6\n\
                 reduce: avg_pool_3x3@0 sep_conv_3x3@1 | max_pool_3x3@0 sep_conv_7x7@2 | \
                 sep_conv_7x7@0 avg_pool_3x3@1 | max_pool_3x3@0 max_pool_3x3@1 | \
                 conv_7x1_1x7@0 sep_conv_3x3@5\n\
                 reduce_concat: 3 4 6"
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
    fn every_name_leads_to_its_cells() {
        for cells in Published::ALL {
            let found = Published::find(cells.name()).unwrap();
            let nodes = match cells {
                Published::NasnetA | Published::AmoebanetA => 5,
                _ => 4,
            };
            assert_eq!(found.genotype().unwrap().nodes(), nodes);
        }
        assert_eq!(Published::find("darts"), None);
    }
}
