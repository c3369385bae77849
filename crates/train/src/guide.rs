//! Guides for people who train networks, as they lie in `crates/train/guide`; those of `crates/search/guide` are in
//! the crate `search`.

/// A guide is a file of its name. Definitions of links stand twice, and the first ones count: here those between
/// pages of documentation, in the file those between files.
macro_rules! guides {
    ($($name:ident: $file:literal),+ $(,)?) => {
        $(
            #[doc = include_str!("../../search/guide/links.txt")]
            #[doc = include_str!($file)]
            pub mod $name {}
        )+
    };
}

guides! {
    training: "../guide/training.md",
    exporting: "../guide/exporting.md",
    language: "../guide/language.md",
    scenes: "../guide/scenes.md",
}
