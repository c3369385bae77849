//! Bilinear resampling: values and gradients of every recorded case.

use crate::bilinear_cases::check;
use crate::values::{Train, alone};

#[test]
fn resampled_images_and_their_gradients_are_those_recorded() {
    let _alone = alone();
    check::<Train>(&Default::default());
}
