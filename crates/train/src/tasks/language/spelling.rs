//! Words as a person writes them.

use workbench::text::END;

/// Marks that nothing stands before.
const CLOSING: [&str; 13] = [
    ".", ",", ";", ":", "!", "?", ")", "]", "}", "%", "’", "”", "n't",
];
/// Marks that nothing stands after.
const OPENING: [&str; 7] = ["(", "[", "{", "£", "$", "‘", "“"];

/// A text of these words: no spaces before marks that close and after those that open, and a new line
/// where a paragraph ends.
pub(super) fn spelled<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    // Whether the next word stands close to the last.
    let mut close = true;
    let mut quoted = false;
    for word in words {
        if word == END {
            text.push('\n');
            (close, quoted) = (true, false);
            continue;
        }
        // As WikiText writes marks within words and numbers: `@-@`.
        let within = word
            .strip_prefix('@')
            .and_then(|word| word.strip_suffix('@'));
        let word = within.filter(|mark| !mark.is_empty()).unwrap_or(word);
        let is_quote = word == "\"";
        let joins = within.is_some() || word.starts_with("--");
        let closes = joins
            || CLOSING.contains(&word)
            || (word.starts_with('\'') && word.len() > 1)
            || (is_quote && quoted);
        if !close && !closes {
            text.push(' ');
        }
        text.push_str(word);
        close = joins || OPENING.contains(&word) || (is_quote && !quoted);
        quoted ^= is_quote;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_where_a_person_puts_them() {
        for (words, expected) in [
            (
                "\" oh ! \" said mr . darcy , \" no . \" <eos> she ( emma ) smiled <eos>",
                "\"oh!\" said mr. darcy, \"no.\"\nshe (emma) smiled\n",
            ),
            (
                "her sister -- you know ; £ 20,000",
                "her sister--you know; £20,000",
            ),
            (
                "a well @-@ known 3 @.@ 5 % share",
                "a well-known 3.5% share",
            ),
            ("it 's what they do n't say", "it's what they don't say"),
            (
                "\" never closed <eos> \" again \"",
                "\"never closed\n\"again\"",
            ),
            ("", ""),
        ] {
            let words = words.split_whitespace();
            assert_eq!(spelled(words), expected);
        }
    }
}
