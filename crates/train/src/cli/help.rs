//! Examples below the help of each command.

pub(super) const TRAIN: &str = "
  train fit runs/mine                               the cells of a search, on its data
  train fit darts-v2 --data mnist_5k                published cells, on another bundled set
  train fit --config configs/fit-cifar10.toml       the paper's recipe
  train resume runs/fit-digits-20240229-123456      go on after an interruption
  train eval runs/mine --per-class                  the test score again, class by class
  train export runs/mine --onnx mine.onnx           for other programs
  train predict runs/mine picture.jpg photos/       ask it about files
  train count darts-v2 --channels 36 --cells 20     how large a network is";

pub(super) const FIT: &str = "
  train fit runs/mnist --out runs/mine              the cells of a search, on its data
  train fit snas --set fit.drop_path=0.2            any field; `train config --print-default` has all
  train fit cells.txt --data-root photos            on pictures of your own, a folder for each class
  train fit darts-rnn-v2                            a language model
  train fit darts-v2 --seeds 0..4 --out runs/four
  train fit --out runs/mine --continue              start, go on, or keep what is finished
  train fit --tensorboard                           and beside it: tensorboard --logdir runs
  train fit --plain                                 progress in lines, where a terminal shows curves

On a terminal q ends a run when its epoch is finished and saved, a second q at once, as Ctrl-C does.";

pub(super) const PORTABILITY: &str = "
  train portability darts-v2                       all backends that are compiled in, on the bundled digits
  train portability darts-v2 --backends flex,vulkan --steps 50 --out runs/both
  train portability darts-rnn-v2                   a language model
  train portability darts-v2 --against theirs.json    beside a portability.json of another machine

It leaves portability.json, portability.md and report.html.";

pub(super) const RESUME: &str = "
  train resume runs/mine
  train resume runs/mine --data-root /data/cifar    where the data have moved
  train resume runs/mine --epochs 60 --learning-rate 0.001
  train resume runs/mine --tensorboard              its curves live, all epochs from the first on";

pub(super) const EVAL: &str = "
  train eval runs/mine
  train eval runs/mine --per-class --confusion
  train eval exported --data folder --data-root others    pictures that were held out";

pub(super) const EXPORT: &str = "
  train export runs/mine --out exported             to eval, predict and sample again
  train export runs/mine --onnx mine.onnx           for other programs
  train export exported --onnx mine.onnx            of what was exported before

An ONNX file takes pixels from 0 to 1, red, green and blue or grey: their normalisation is part of it. Images of
scenes may be of any size. A network of language reads one word of each stream, and gives the state that goes in
with the next. What goes in and comes out, the classes and the words stand in the file.";

pub(super) const PREDICT: &str = "
  train predict runs/mine picture.jpg --top 3
  train predict exported photos/ --json             a line for each file
  train predict runs/scenes street.jpg --out answers";

pub(super) const REPORT: &str = "
  train report runs/mine    runs/mine/report.html, to be opened or sent
  train report runs/four    the page of all its seeds";

pub(super) const COMPARE: &str = "
  train compare runs/mine runs/other                        in the terminal
  train compare runs/four/seed-0 runs/four/seed-1 --out compare.html";

pub(super) const CONFIG: &str = "
  train config --print-default > mine.toml
  train config --print-default --task language
  train config --check mine.toml";

pub(super) const TENSORBOARD: &str = "
  train tensorboard runs/mine
  train tensorboard runs/four/seed-0 runs/four/seed-1 --out logs && tensorboard --logdir logs";

pub(super) const COMPLETIONS: &str = "
  train completions bash > ~/.local/share/bash-completion/completions/train
  train completions zsh > ~/.zfunc/_train
  train completions fish > ~/.config/fish/completions/train.fish";

pub(super) const MAN: &str = "
  train man --out ~/.local/share/man/man1 && man train-fit";
