//! Where data files lie that no option names.

use std::env;
use std::path::PathBuf;

/// The environment variable that names the folder of data files.
pub const DATA_ROOT_VARIABLE: &str = "DATA_DIR";

/// The folder that the environment names.
pub(crate) fn data_folder() -> Option<PathBuf> {
    env::var_os(DATA_ROOT_VARIABLE).map(PathBuf::from)
}
