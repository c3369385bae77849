//! Examples below the help of each command.

pub(super) const SEARCH: &str = "
  search                                     image classifiers, on the bundled digits: a few minutes
  search --data-root photos                  on pictures of your own, a folder for each class
  search --config configs/austen.toml        a language model, on the bundled novels
  search --config configs/cifar10.toml       the paper's settings
  search show runs/digits-20240229-123456    what came of it, again
  search resume runs/digits-20240229-123456  go on after an interruption
  search draw darts-v2 cells.svg             a picture of published cells, or of a run's

The cells that it finds are for `train fit RUN`.";

pub(super) const RUN: &str = "
  search run --data mnist_5k --epochs 10 --out runs/mnist
  search run --method darts --set alpha.second_order=true
  search run --set architecture.draws=7      any field; `search config --print-default` has all
  search run --seeds 0..4 --out runs/four    seeds 0 to 3, for `search best runs/four`
  search run --tensorboard                   and beside it: tensorboard --logdir runs
  search run --plain                         progress in lines, where a terminal shows curves and cells

On a terminal q ends a run when its epoch is finished and saved, a second q at once, as Ctrl-C does.";

pub(super) const RESUME: &str = "
  search resume runs/mnist
  search resume runs/mnist --data-root /data/mnist    where the data have moved
  search resume runs/mnist --epochs 60 --learning-rate 0.001 --temperature 1
  search resume runs/mnist --tensorboard              its curves live, all epochs from the first on";

pub(super) const SHOW: &str = "
  search show runs/mnist
  search show runs/four      the table of all seeds";

pub(super) const REPORT: &str = "
  search report runs/mnist    runs/mnist/report.html, to be opened or sent
  search report runs/four     the page of all its seeds";

pub(super) const COMPARE: &str = "
  search compare runs/mnist runs/darts                        in the terminal
  search compare runs/four/seed-* --out compare.html          and as a page
  search compare runs/here there/runs/mnist --out both.html   of two machines";

pub(super) const BEST: &str = "
  search best runs/four
  search best runs/four --epochs 20 --channels 16";

pub(super) const SCORE: &str = "
  search score runs/mnist snas gdas-cells.json
  search score runs/mnist runs/other --result scores.json";

pub(super) const PORTABILITY: &str = "
  search portability                               all backends that are compiled in, on the bundled digits
  search portability --backends flex,vulkan --steps 50 --out runs/both
  search portability --config configs/austen.toml --set search.batch_size=8
  search portability --against theirs.json         beside a portability.json of another machine

It takes steps without a warm-up, and leaves portability.json, portability.md and report.html.";

pub(super) const DRAW: &str = "
  search draw darts-v2 cells.svg
  search draw runs/mnist cells.svg
  search draw genotypes.py#DARTS_V1 cells.svg    one of several in a file
  search draw darts-rnn-v2 cell.svg              a recurrent cell";

pub(super) const CONFIG: &str = "
  search config --print-default > mine.toml
  search config --print-default --task scene
  search config --check mine.toml";

pub(super) const TENSORBOARD: &str = "
  search tensorboard runs/mnist
  search tensorboard runs/four/seed-* --out logs && tensorboard --logdir logs";

pub(super) const COMPLETIONS: &str = "
  search completions bash > ~/.local/share/bash-completion/completions/search
  search completions zsh > ~/.zfunc/_search
  search completions fish > ~/.config/fish/completions/search.fish";

pub(super) const MAN: &str = "
  search man --out ~/.local/share/man/man1 && man search-run";
