//! Text: corpora, vocabularies, contiguous streams of words, and the problem of predicting the next one,
//! with what training by the published settings needs beside the loss.

mod austen;
mod batch;
mod corpus;
mod data;
mod dropout;
mod load;
mod loss;
mod plain;
mod problem;
mod published;
mod read;
mod regularisation;
mod sequences;
mod tokenizer;
mod vocabulary;
mod words;

pub use batch::SequenceBatch;
pub use corpus::Corpus;
pub use data::{LanguageData, SHORTHANDS};
pub use dropout::{Dropout, DropoutKey, MaskSize, Masks, Site, weight_mask};
pub use load::{CorpusId, load_corpus};
pub use loss::{perplexity, token_loss, token_score, token_sums};
pub use problem::{EvaluationStreams, LanguageProblem};
pub use read::text_files;
pub use regularisation::Regularisation;
pub use sequences::{
    Segment, Sequences, Vary, evaluation_segments, logit_segment, training_segments,
};
pub use tokenizer::TextOptions;
pub use vocabulary::{END, UNKNOWN, Vocabulary, VocabularyMark};
pub use words::{read_words, words_of};
