use std::path::PathBuf;

use clap::Args;
use workbench::WorkbenchError;
use workbench::files::write_atomic;
use workbench::scenes::{SceneData, SceneSetId, StandInOptions, mask_png, picture_png};

use crate::TrainError;

/// Scenes of the bundled stand-in as files: `images/NAME.png` and `masks/NAME.png`.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// The folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// How many, of those that are for test.
    #[arg(long, value_name = "N", default_value_t = 8)]
    count: usize,
    /// Side of a scene, in pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = 64)]
    size: usize,
    /// What the scenes are a function of.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl WriteArgs {
    pub(super) fn run(&self) -> Result<(), TrainError> {
        if self.out.exists() {
            return Err(TrainError::Option {
                option: "out",
                found: format!("`{}`, which exists already", self.out.display()),
                valid: "a folder that is yet to be made".into(),
            });
        }
        let data = SceneData {
            set: SceneSetId::Scenes,
            root: None,
            crop: self.size,
            augment: Default::default(),
            class_weights: Default::default(),
            scenes: StandInOptions {
                test: self.count,
                size: self.size,
                seed: self.seed,
                ..StandInOptions::default()
            },
            voc: Default::default(),
            folder: Default::default(),
        };
        let scenes = data.load()?.test;
        let [images, masks] = ["images", "masks"].map(|name| self.out.join(name));
        for folder in [&images, &masks] {
            std::fs::create_dir_all(folder).map_err(WorkbenchError::io("create", folder))?;
        }
        for index in 0..scenes.len() {
            let scene = scenes.scene(index)?;
            let name = format!("scene-{index:04}.png");
            let [image, mask] = [images.join(&name), masks.join(&name)];
            let picture = picture_png(&scene.image).map_err(WorkbenchError::io("write", &image))?;
            write_atomic(&image, picture)?;
            let classes = mask_png(&scene.mask, scene.sides());
            write_atomic(&mask, classes.map_err(WorkbenchError::io("write", &mask))?)?;
        }
        println!(
            "wrote {} stand-in scenes to {}",
            scenes.len(),
            self.out.display()
        );
        Ok(())
    }
}
