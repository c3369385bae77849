use crate::cli::{Shorthand, Takes};

/// Options of the commands that start a run on images with a network of cells.
pub const SHORTHANDS: &[Shorthand] = &[
    Shorthand {
        option: "channels",
        field: "network.channels",
        takes: Takes::Value("N"),
        help: "Channels of the first cells",
    },
    Shorthand {
        option: "cells",
        field: "network.cells",
        takes: Takes::Value("N"),
        help: "Number of cells",
    },
    Shorthand {
        option: "crop-padding",
        field: "data.augment.crop_padding",
        takes: Takes::Value("PIXELS"),
        help: "Shift training images by up to so many pixels",
    },
    Shorthand {
        option: "flip",
        field: "data.augment.flip",
        takes: Takes::Nothing,
        help: "Mirror half of the training images",
    },
];
