//! Guides for people who search and train, as they lie in `crates/search/guide`; those of `crates/train/guide` are
//! in the crate `train`.

/// A guide is a file of its name. Definitions of links stand twice, and the first ones count: here those between
/// pages of documentation, in the file those between files.
macro_rules! guides {
    ($($name:ident: $file:literal),+ $(,)?) => {
        $(
            #[doc = include_str!("../guide/links.txt")]
            #[doc = include_str!($file)]
            pub mod $name {}
        )+
    };
}

guides! {
    searching: "../guide/searching.md",
    images: "../guide/images.md",
    methods: "../guide/methods.md",
    gpus: "../guide/gpus.md",
    speed: "../guide/speed.md",
    records: "../guide/records.md",
    own_task: "../guide/own_task.md",
    data_sets: "../../../datasets/README.md",
}
