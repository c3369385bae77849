use super::cursor::Cursor;
use super::machine::{Machine, pairs};
use super::rebuild::persistent;
use super::value::Value;
use crate::weights::problem::Problem;

impl Machine<'_> {
    /// One instruction; codes are those of Python's `pickle`.
    pub(super) fn step(&mut self, code: u8, cursor: &mut Cursor<'_>) -> Result<(), Problem> {
        match code {
            // Protocol and frames.
            0x80 => match cursor.u8()? {
                0..=5 => Ok(()),
                other => Err(Problem::refused(format!(
                    "has a pickle of protocol {other}; valid: 0 to 5"
                ))),
            },
            0x95 => cursor.take(8).map(drop),

            // The stack.
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => match self.marks.last() {
                Some(&mark) if mark == self.stack.len() => self.since_mark().map(drop),
                _ => self.pop().map(drop),
            },
            b'1' => self.since_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }

            // Memory.
            b'p' | b'g' => {
                let line = cursor.line()?;
                let index = line.parse().map_err(|_| {
                    Problem::damaged(format!(
                        "its pickle recalls value `{}`",
                        line.escape_debug()
                    ))
                })?;
                match code {
                    b'p' => self.remember(index),
                    _ => self.recall(index),
                }
            }
            b'q' => self.remember(cursor.u8()?.into()),
            b'h' => self.recall(cursor.u8()?.into()),
            b'r' => self.remember(cursor.u32()?.into()),
            b'j' => self.recall(cursor.u32()?.into()),
            0x94 => self.remember(self.memo.len() as u64),

            // Plain values, numbers and texts.
            b'N' => self.push_plain(),
            b'G' => {
                cursor.take(8)?;
                self.push_plain()
            }
            b'F' => {
                cursor.line()?;
                self.push_plain()
            }
            0x88 | 0x89 => self.push(Value::Flag(code == 0x88)),
            b'I' => match &*cursor.line()? {
                "00" => self.push(Value::Flag(false)),
                "01" => self.push(Value::Flag(true)),
                number => self.push_int(number.trim().parse().ok()),
            },
            b'J' => {
                let number = i32::from_le_bytes(cursor.array()?);
                self.push_int(Some(number.into()))
            }
            b'K' => {
                let number = cursor.u8()?;
                self.push_int(Some(number.into()))
            }
            b'M' => {
                let number = cursor.u16()?;
                self.push_int(Some(number.into()))
            }
            b'L' => {
                let line = cursor.line()?;
                self.push_int(line.trim_end_matches('L').parse().ok())
            }
            0x8a => {
                let length = cursor.u8()?;
                self.push_int(whole(cursor.take_claimed(length.into())?))
            }
            0x8b => {
                let length = cursor.u32()?;
                self.push_int(whole(cursor.take_claimed(length.into())?))
            }
            b'S' | b'V' => {
                let line = cursor.line()?;
                let quotes: &[char] = if code == b'S' { &['\'', '"'] } else { &[] };
                self.push_text(line.trim_matches(quotes).as_bytes())
            }
            b'U' | 0x8c => {
                let length = cursor.u8()?;
                self.push_text(cursor.take_claimed(length.into())?)
            }
            b'T' | b'X' => {
                let length = cursor.u32()?;
                self.push_text(cursor.take_claimed(length.into())?)
            }
            0x8d => {
                let length = cursor.u64()?;
                self.push_text(cursor.take_claimed(length)?)
            }
            b'C' => {
                let length = cursor.u8()?;
                cursor.take_claimed(length.into())?;
                self.push_plain()
            }
            b'B' => {
                let length = cursor.u32()?;
                cursor.take_claimed(length.into())?;
                self.push_plain()
            }
            0x8e | 0x96 => {
                let length = cursor.u64()?;
                cursor.take_claimed(length)?;
                self.push_plain()
            }

            // Collections.
            b')' | b']' => self.push(Value::Sequence(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x8f => self.push_object("builtins.set", Vec::new()),
            b't' | b'l' => {
                let items = self.since_mark()?;
                self.push(Value::Sequence(items))
            }
            0x85..=0x87 => {
                let items = self.pop_several(usize::from(code - 0x84))?;
                self.push(Value::Sequence(items))
            }
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Dict(pairs(&items)))
            }
            0x91 => {
                let items = self.since_mark()?;
                self.push_object("builtins.frozenset", items)
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.extend(&items)
            }
            b's' => {
                let items = self.pop_several(2)?;
                self.extend_pairs(&items)
            }
            b'u' => {
                let items = self.since_mark()?;
                self.extend_pairs(&items)
            }

            // Classes, functions and what they make.
            b'c' => {
                let (module, name) = (cursor.line()?, cursor.line()?);
                self.push_global(&module, &name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id| self.heap.text(id).cloned();
                let (Some(module), Some(name)) = (text(module), text(name)) else {
                    return Err(Problem::damaged("its pickle names a class by no text"));
                };
                self.push_global(&module, &name)
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.push_call(function, arguments)
            }
            0x92 => {
                let _by_name = self.pop()?;
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.push_call(class, arguments)
            }
            b'i' => {
                let (module, name) = (cursor.line()?, cursor.line()?);
                let arguments = self.since_mark()?;
                self.push_global(&module, &name)?;
                let class = self.pop()?;
                let arguments = self.heap.add(Value::Sequence(arguments))?;
                self.push_call(class, arguments)
            }
            b'o' => {
                let mut arguments = self.since_mark()?;
                if arguments.is_empty() {
                    return Err(Problem::damaged("its pickle has an object without a class"));
                }
                let class = arguments.remove(0);
                let arguments = self.heap.add(Value::Sequence(arguments))?;
                self.push_call(class, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                // What is set on tensors and dictionaries beside their values does not matter.
                if let Value::Object { parts, .. } = self.heap.get_mut(top) {
                    parts.push(state);
                }
                Ok(())
            }
            b'Q' => {
                let identifier = self.pop()?;
                let id = persistent(&mut self.heap, identifier)?;
                self.stack.push(id);
                Ok(())
            }

            b'P' => Err(unsupported("an identifier in text")),
            0x82..=0x84 => Err(unsupported("a registered extension")),
            0x97 | 0x98 => Err(unsupported("a buffer kept outside of it")),
            other => Err(Problem::damaged(format!(
                "byte {other:#04x} is no instruction of a pickle"
            ))),
        }
    }
}

/// A whole number of any length, its least byte first; `None` beyond 128 bits.
fn whole(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.last().is_some_and(|&last| last >= 0x80);
    let mut word = [if negative { 0xff } else { 0 }; 16];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i128::from_le_bytes(word))
}

fn unsupported(what: &str) -> Problem {
    Problem::refused(format!(
        "has a pickle with {what}, which `torch.save` does not write; valid: what it writes"
    ))
}
