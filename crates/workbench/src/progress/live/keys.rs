//! What keys ask for.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// That the run ends: the first time after its epoch, then at once.
    End,
    /// The shell, until the process is called back.
    Suspend,
    /// That all is drawn again.
    Redraw,
}

impl Wish {
    /// What an event asks for, if anything.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let key = match event {
            Event::Resize(..) => return Some(Self::Redraw),
            Event::Key(key) if key.kind == KeyEventKind::Press => key,
            _ => return None,
        };
        let KeyEvent {
            code, modifiers, ..
        } = key;
        let control = modifiers.contains(KeyModifiers::CONTROL);
        match code {
            KeyCode::Char('q' | 'Q') if !control => Some(Self::End),
            KeyCode::Char('c') if control => Some(Self::End),
            KeyCode::Char('z') if control => Some(Self::Suspend),
            KeyCode::Char('l') if control => Some(Self::Redraw),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_ctrl_c_end_a_run_and_other_keys_do_nothing() {
        let pressed = |code, modifiers| Wish::of(&Event::Key(KeyEvent::new(code, modifiers)));
        let (plain, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (letter, modifiers, wish) in [
            ('q', plain, Some(Wish::End)),
            ('Q', KeyModifiers::SHIFT, Some(Wish::End)),
            ('c', control, Some(Wish::End)),
            ('z', control, Some(Wish::Suspend)),
            ('l', control, Some(Wish::Redraw)),
            ('q', control, None),
            ('c', plain, None),
            ('x', plain, None),
        ] {
            assert_eq!(pressed(KeyCode::Char(letter), modifiers), wish, "{letter}");
        }
        assert_eq!(pressed(KeyCode::Esc, plain), None);
        assert_eq!(Wish::of(&Event::Resize(80, 24)), Some(Wish::Redraw));
        let released = KeyEvent {
            kind: KeyEventKind::Release,
            ..KeyEvent::new(KeyCode::Char('q'), plain)
        };
        assert_eq!(Wish::of(&Event::Key(released)), None);
    }
}
