use std::path::Path;

/// A command of one of the binaries as it can be typed in a shell: by cargo where this process runs by it,
/// else beside this binary.
pub fn command(binary: &str, arguments: &[impl AsRef<str>]) -> String {
    let mut words: Vec<String> = match std::env::var_os("CARGO") {
        Some(_) => ["cargo", "run", "-p", binary, "--"]
            .map(String::from)
            .into(),
        None => vec![beside(
            std::env::args_os().next().as_deref().map(Path::new),
            binary,
        )],
    };
    words.extend(arguments.iter().map(|word| word.as_ref().to_string()));
    quoted(&words)
}

/// Words as a shell takes them.
pub(super) fn quoted(words: &[String]) -> String {
    // Words that hold a zero byte cannot be quoted, nor be arguments.
    let quoted = shlex::try_join(words.iter().map(String::as_str));
    quoted.unwrap_or_else(|_| words.join(" "))
}

/// The command that this process was started with.
pub fn this_command(binary: &str) -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|word| word.to_string_lossy().into_owned());
    command(binary, &arguments.collect::<Vec<_>>())
}

/// A binary in the folder that this one was called from; one found on the path is found so again.
fn beside(this: Option<&Path>, binary: &str) -> String {
    let folder = this.and_then(Path::parent).unwrap_or(Path::new(""));
    folder.join(binary).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_binary_as_this_one_was_called() {
        let called = |this: &str| beside(Some(Path::new(this)), "train");
        assert_eq!(called("target/debug/search"), "target/debug/train");
        assert_eq!(called("search"), "train");
        assert_eq!(beside(None, "train"), "train");
        let typed = command("train", &["fit", "runs/my run", "it's"]);
        assert!(typed.ends_with(" fit 'runs/my run' \"it's\""), "{typed}");
    }
}
