//! Values as Python and JSON write them, without running anything. Python's own are needed as
//! published codes print their genotypes by `repr`: no crate reads those without a whole Python
//! grammar.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    /// A list, a tuple or a set.
    List(Vec<Literal>),
    /// A dictionary.
    Fields(Vec<(String, Literal)>),
    /// `name(positional, .., key=value, ..)`.
    Call {
        name: String,
        positional: Vec<Literal>,
        named: Vec<(String, Literal)>,
    },
    /// A variable, `None`, `null`, `True`, ...
    Name(String),
}

impl Literal {
    /// What messages call it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("`{}`", shortened(text)),
            Self::Number(number) => number.to_string(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Fields(_) => "a dictionary".into(),
            Self::Call { name, .. } => format!("`{}(..)`", shortened(name)),
            Self::Name(name) => format!("`{}`", shortened(name)),
        }
    }

    /// Whether it stands for nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Name(name) if name == "None" || name == "null")
    }

    /// A whole number that can count something.
    pub(super) fn index(&self) -> Option<usize> {
        match self {
            Self::Number(number) if number.fract() == 0.0 && (0.0..1e9).contains(number) => {
                Some(*number as usize)
            }
            _ => None,
        }
    }
}

/// The beginning of a text that a message can show.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unreadable {
    /// Byte of the text.
    pub(super) at: usize,
    pub(super) problem: String,
}

/// Reads values of a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    pub(super) at: usize,
    /// Open brackets.
    depth: usize,
    /// Keys of the outermost call or dictionary.
    pub(super) keys: Vec<String>,
}

/// Brackets within brackets.
const MOST_DEPTH: usize = 32;
/// Numbers of a range.
const MOST_RANGE: f64 = 1000.0;

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self {
            text,
            at,
            depth: 0,
            keys: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, Unreadable> {
        Err(Unreadable {
            at: self.at,
            problem: problem.into(),
        })
    }

    /// Passes over one character, if it is this one.
    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Passes over space, ends of lines and comments.
    fn skip_space(&mut self) {
        loop {
            self.take_while(|c| c.is_whitespace() || c == '\\');
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    /// The value that begins here.
    pub(super) fn value(&mut self) -> Result<Literal, Unreadable> {
        let mut value = self.operand()?;
        // Sums of numbers, as in `range(2, 2 + 4)`.
        while let Literal::Number(left) = value {
            let before = self.at;
            self.skip_space();
            let sign = match self.peek() {
                Some('+') => 1.0,
                Some('-') => -1.0,
                _ => {
                    self.at = before;
                    break;
                }
            };
            self.at += 1;
            match self.operand()? {
                Literal::Number(right) => value = Literal::Number(left + sign * right),
                other => return self.refuse(format!("{} is added to a number", other.shown())),
            }
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<Literal, Unreadable> {
        self.skip_space();
        match self.peek() {
            Some('[') => Ok(Literal::List(self.bracketed(']')?.0)),
            Some('(') => {
                let (mut items, comma) = self.bracketed(')')?;
                Ok(match items.pop() {
                    Some(item) if items.is_empty() && !comma => item,
                    last => {
                        items.extend(last);
                        Literal::List(items)
                    }
                })
            }
            Some('{') => self.braced(),
            Some('\'' | '"') => self.strings(false),
            Some(c) if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.named(),
            Some(c) => self.refuse(format!("`{c}` where a value should be")),
            None => self.refuse("it ends where a value should be"),
        }
    }

    fn open(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return self.refuse(format!("more than {MOST_DEPTH} brackets within each other"));
        }
        Ok(())
    }

    /// Where the bracket closes here, whether there is a comma before it; otherwise an item follows.
    /// `first` is whether none came yet.
    fn closed(&mut self, closing: char, first: bool) -> Result<Option<bool>, Unreadable> {
        self.skip_space();
        let comma = !first && self.take(',');
        self.skip_space();
        if self.take(closing) {
            self.depth -= 1;
            return Ok(Some(comma));
        }
        match self.peek() {
            None => self.refuse(format!("it ends before `{closing}`")),
            Some(c) if !first && !comma => {
                self.refuse(format!("`{c}` where `,` or `{closing}` should be"))
            }
            Some(_) => Ok(None),
        }
    }

    /// The items of a list or tuple, and whether there is a comma after the last.
    fn bracketed(&mut self, closing: char) -> Result<(Vec<Literal>, bool), Unreadable> {
        self.open()?;
        let mut items = Vec::new();
        loop {
            if let Some(comma) = self.closed(closing, items.is_empty())? {
                return Ok((items, comma));
            }
            items.push(self.value()?);
        }
    }

    fn braced(&mut self) -> Result<Literal, Unreadable> {
        self.open()?;
        let (mut fields, mut items) = (Vec::new(), Vec::new());
        while self
            .closed('}', fields.is_empty() && items.is_empty())?
            .is_none()
        {
            let item = self.value()?;
            self.skip_space();
            if !self.take(':') {
                items.push(item);
                continue;
            }
            let key = match item {
                Literal::Text(text) | Literal::Name(text) => text,
                other => other.shown(),
            };
            self.note_key(&key);
            fields.push((key, self.value()?));
        }
        Ok(if items.is_empty() {
            Literal::Fields(fields)
        } else {
            Literal::List(items)
        })
    }

    fn note_key(&mut self, key: &str) {
        if self.depth == 1 {
            self.keys.push(key.into());
        }
    }

    /// One text or several behind each other, which are one in Python.
    fn strings(&mut self, raw: bool) -> Result<Literal, Unreadable> {
        let mut text = self.string(raw)?;
        loop {
            let before = self.at;
            self.skip_space();
            if self.depth == 0 || !matches!(self.peek(), Some('\'' | '"')) {
                self.at = before;
                return Ok(Literal::Text(text));
            }
            text += &self.string(raw)?;
        }
    }

    fn string(&mut self, raw: bool) -> Result<String, Unreadable> {
        let rest = self.rest();
        let one = &rest[..1];
        let three = one.repeat(3);
        let quote = if rest.starts_with(&three) {
            three.as_str()
        } else {
            one
        };
        let start = self.at;
        self.at += quote.len();
        let mut text = String::new();
        while !self.rest().starts_with(quote) {
            match self.peek() {
                Some('\\') if !raw => text.extend(self.escape()),
                Some('\n') if quote.len() == 1 => break,
                Some(c) => {
                    self.at += c.len_utf8();
                    text.push(c);
                }
                None => break,
            }
        }
        if !self.rest().starts_with(quote) {
            self.at = start;
            return self.refuse(format!("a text begins with {quote} and does not end"));
        }
        self.at += quote.len();
        Ok(text)
    }

    /// What a backslash and the characters behind it stand for.
    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        let c = self.peek()?;
        self.at += c.len_utf8();
        match c {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            '\n' => None,
            'u' => {
                let digits = self.rest().get(..4)?;
                let code = u32::from_str_radix(digits, 16).ok()?;
                self.at += 4;
                char::from_u32(code)
            }
            other => Some(other),
        }
    }

    fn number(&mut self) -> Result<Literal, Unreadable> {
        let start = self.at;
        self.take_while(|c| matches!(c, '+' | '-'));
        self.take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            self.take_while(|c| matches!(c, '+' | '-'));
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        match text.replace('_', "").parse() {
            Ok(number) => Ok(Literal::Number(number)),
            Err(_) => {
                self.at = start;
                self.refuse(format!("`{}` is no number", shortened(text)))
            }
        }
    }

    fn named(&mut self) -> Result<Literal, Unreadable> {
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let prefix = name.len() <= 2 && name.chars().all(|c| "rRbBuUfF".contains(c));
        if prefix && matches!(self.peek(), Some('\'' | '"')) {
            return self.strings(name.contains(['r', 'R']));
        }
        self.take_while(|c| c == ' ');
        if self.peek() != Some('(') {
            return Ok(Literal::Name(name.into()));
        }
        self.open()?;
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        while self
            .closed(')', positional.is_empty() && named.is_empty())?
            .is_none()
        {
            match self.key() {
                Some(key) => {
                    self.note_key(&key);
                    named.push((key, self.value()?));
                }
                None => positional.push(self.value()?),
            }
        }
        Ok(called(name, positional, named))
    }

    /// The name of an argument, if this is a named one; passes over its `=`.
    fn key(&mut self) -> Option<String> {
        let before = self.at;
        let key = self.take_while(|c| c.is_alphanumeric() || c == '_');
        self.skip_space();
        if !key.is_empty() && self.take('=') && self.peek() != Some('=') {
            return Some(key.into());
        }
        self.at = before;
        None
    }
}

/// The value of a call, of those that are values.
fn called(name: &str, mut positional: Vec<Literal>, named: Vec<(String, Literal)>) -> Literal {
    let last = name.rsplit('.').next().unwrap_or(name);
    match (last, positional.as_slice()) {
        ("range", numbers) if named.is_empty() => {
            if let Some(list) = range(numbers) {
                return list;
            }
        }
        ("list" | "tuple" | "sorted", [Literal::List(_)]) if named.is_empty() => {
            return positional.remove(0);
        }
        ("dict" | "OrderedDict", []) => return Literal::Fields(named),
        ("dict" | "OrderedDict", [Literal::Fields(_)]) if named.is_empty() => {
            return positional.remove(0);
        }
        ("dict" | "OrderedDict", [Literal::List(items)]) if named.is_empty() => {
            let pairs: Option<Vec<_>> = items.iter().map(pair).collect();
            if let Some(pairs) = pairs {
                return Literal::Fields(pairs);
            }
        }
        // `np.int64(3)`, `tensor(3)`.
        (_, [Literal::Number(number)]) if named.is_empty() => return Literal::Number(*number),
        _ => {}
    }
    Literal::Call {
        name: name.into(),
        positional,
        named,
    }
}

fn pair(item: &Literal) -> Option<(String, Literal)> {
    match item {
        Literal::List(pair) => match pair.as_slice() {
            [Literal::Text(key), value] => Some((key.clone(), value.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// The numbers of `range(start, end, step)`.
fn range(numbers: &[Literal]) -> Option<Literal> {
    let whole = |literal: &Literal| match literal {
        Literal::Number(number) if number.fract() == 0.0 && number.abs() <= MOST_RANGE => {
            Some(*number as i64)
        }
        _ => None,
    };
    let numbers: Vec<i64> = numbers.iter().map(whole).collect::<Option<_>>()?;
    let (start, end, step) = match numbers.as_slice() {
        [end] => (0, *end, 1),
        [start, end] => (*start, *end, 1),
        [start, end, step] if *step != 0 => (*start, *end, *step),
        _ => return None,
    };
    let mut list = Vec::new();
    let mut next = start;
    while (end - next) * step.signum() > 0 {
        list.push(Literal::Number(next as f64));
        next += step;
    }
    Some(Literal::List(list))
}

#[cfg(test)]
mod tests;
