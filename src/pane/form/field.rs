//! One text field.

use crossterm::event::{KeyCode, KeyModifiers};
use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::domain::SafeText;
use crate::model::Key;

/// Longest text of a field, in characters: what a note or a description can reasonably be.
const CHARS_MOST: usize = 8_000;

/// A text that was filled in, in both spellings: as long as nobody changes it, the raw one is what counts.
#[derive(Clone, Debug)]
struct Prefill {
    raw: String,
    shown: String,
}

/// Says what is wrong with a text.
type Check = fn(&str) -> Result<(), String>;

/// A labelled text.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its name in drafts.
    pub(crate) name: &'static str,
    /// What stands before it.
    pub(crate) label: &'static str,
    /// Lines that it would like; one for a field without line breaks.
    pub(crate) rows: u16,
    /// Texts that can be chosen, best first.
    pub(crate) choices: Vec<String>,
    pub(crate) area: TextArea<'static>,
    prefill: Option<Prefill>,
    /// The text is a short code, so that who types on it means another one.
    is_code: bool,
    /// The text is a choice or a code as a whole: what is typed then takes its place.
    taken: bool,
    /// What a text has to be, where it is not free; `Err` says it.
    check: Option<Check>,
}

/// Whether a character may stand in a field: what could move the cursor or hide may not.
fn is_plain(char: char) -> bool {
    let mut bytes = [0; 4];
    let text: &str = char.encode_utf8(&mut bytes);
    !char.is_control() && SafeText::new(text).shown() == text
}

impl Field {
    /// An empty field.
    pub(crate) fn new(name: &'static str, label: &'static str, rows: u16) -> Self {
        let mut field = Self {
            name,
            label,
            rows,
            choices: Vec::new(),
            area: TextArea::default(),
            prefill: None,
            is_code: false,
            taken: false,
            check: None,
        };
        field.put("");
        field
    }

    /// Fills in a text that may have come from a server: shown safely, sent as it is while nobody changes it.
    pub(crate) fn filled(mut self, raw: &str) -> Self {
        let text = SafeText::new(raw);
        let shown = if self.rows > 1 {
            text.shown_lines().collect::<Vec<_>>().join("\n")
        } else {
            text.shown().to_owned()
        };
        self.put(&shown);
        if !(self.rows == 1 && raw.chars().any(char::is_control)) {
            self.prefill = Some(Prefill {
                raw: raw.to_owned(),
                shown: self.shown(),
            });
        }
        self
    }

    /// Texts to choose from.
    pub(crate) fn with_choices(mut self, choices: Vec<String>) -> Self {
        self.choices = choices;
        self.enter();
        self
    }

    /// The text is a short code.
    pub(crate) fn with_code(mut self) -> Self {
        self.is_code = true;
        self.enter();
        self
    }

    /// The field is come to anew: its choice or code stands there as a whole.
    pub(crate) fn enter(&mut self) {
        self.taken = self.is_choice() || (self.is_code && !self.shown().is_empty());
    }

    /// What a text has to be.
    pub(crate) fn with_check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    fn is_choice(&self) -> bool {
        let shown = self.shown();
        self.choices.contains(&shown)
    }

    /// Whether the next character takes the place of the whole text.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// What is to be said when the field is left: an error where its text cannot be used, a word where it is none of the
    /// choices and so counts as it stands.
    pub(crate) fn parting(&self) -> Option<Result<String, String>> {
        let value = self.value();
        if value.is_empty() || self.is_choice() {
            return None;
        }
        match self.check {
            Some(check) => check(&value).err().map(Err),
            None if self.choices.is_empty() => None,
            None => Some(Ok(format!("{} is none of the list: it counts as you wrote it", self.label))),
        }
    }

    /// Replaces the text.
    pub(crate) fn put(&mut self, text: &str) {
        let clean = self.clean(text);
        let mut area = TextArea::new(clean.split('\n').map(str::to_owned).collect());
        area.set_wrap_mode(if self.rows > 1 { WrapMode::WordOrGlyph } else { WrapMode::None });
        area.set_max_histories(50);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        self.area = area;
        self.enter();
    }

    fn clean(&self, text: &str) -> String {
        let lines = text
            .replace("\r\n", "\n")
            .replace(['\r', '\u{2028}', '\u{2029}'], "\n")
            .replace('\t', " ");
        let lines = if self.rows > 1 {
            lines
        } else {
            lines.trim_end_matches('\n').replace('\n', " ")
        };
        lines
            .chars()
            .filter(|char| *char == '\n' || is_plain(*char))
            .take(CHARS_MOST)
            .collect()
    }

    /// As it stands in the field.
    pub(crate) fn shown(&self) -> String {
        self.area.lines().join("\n")
    }

    /// What counts: the raw spelling of what was filled in, or what the person wrote, without blanks around it.
    pub(crate) fn value(&self) -> String {
        let shown = self.shown();
        match &self.prefill {
            Some(prefill) if prefill.shown == shown => prefill.raw.clone(),
            _ => shown.trim().to_owned(),
        }
    }

    fn room(&self) -> usize {
        CHARS_MOST.saturating_sub(self.area.lines().iter().map(|line| line.chars().count() + 1).sum::<usize>())
    }

    /// Takes pasted text. Answers whether the text changed.
    pub(crate) fn paste(&mut self, text: &str) -> bool {
        let mut clean = self.clean(text);
        if clean.is_empty() {
            return false;
        }
        if std::mem::take(&mut self.taken) {
            self.put("");
        }
        clean = clean.chars().take(self.room()).collect();
        !clean.is_empty() && self.area.insert_str(clean)
    }

    /// Breaks the line, where there can be several.
    pub(crate) fn break_line(&mut self) -> bool {
        if self.rows == 1 || self.room() == 0 {
            return false;
        }
        self.area.insert_newline();
        true
    }

    /// Takes a key that has no other meaning. Answers whether the text changed.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        // Whoever types begins to look for another choice; whoever moves or deletes mends this one.
        if std::mem::take(&mut self.taken)
            && let KeyCode::Char(char) = key.code
            && !control
            && !alt
            && is_plain(char)
        {
            self.put("");
        }
        let has_room = self.room() > 0;
        let area = &mut self.area;
        match key.code {
            KeyCode::Char('w') if control => area.delete_word(),
            KeyCode::Char('u') if control => area.delete_line_by_head(),
            KeyCode::Char('k') if control => area.delete_line_by_end(),
            KeyCode::Char('a') if control => {
                area.move_cursor(CursorMove::Head);
                false
            }
            KeyCode::Char('e') if control => {
                area.move_cursor(CursorMove::End);
                false
            }
            KeyCode::Char('h') if control => area.delete_char(),
            KeyCode::Char(char) if !control && !alt && is_plain(char) && has_room => {
                area.insert_char(char);
                true
            }
            KeyCode::Backspace if control || alt => area.delete_word(),
            KeyCode::Backspace => area.delete_char(),
            KeyCode::Delete => area.delete_next_char(),
            KeyCode::Left | KeyCode::Right | KeyCode::Home | KeyCode::End => {
                area.move_cursor(match (key.code, control || alt) {
                    (KeyCode::Left, false) => CursorMove::Back,
                    (KeyCode::Left, true) => CursorMove::WordBack,
                    (KeyCode::Right, false) => CursorMove::Forward,
                    (KeyCode::Right, true) => CursorMove::WordForward,
                    (KeyCode::Home, _) => CursorMove::Head,
                    _ => CursorMove::End,
                });
                false
            }
            _ => false,
        }
    }

    /// Moves a line up or down within the text. Answers false at its first or last line.
    pub(crate) fn move_line(&mut self, down: bool) -> bool {
        let before = self.area.cursor();
        self.area.move_cursor(if down { CursorMove::Down } else { CursorMove::Up });
        self.area.cursor() != before
    }

    /// The choices that fit what is typed; all of them where it is one of them.
    pub(crate) fn fitting(&self) -> Vec<&String> {
        let typed = self.shown().to_lowercase();
        if self.choices.iter().any(|choice| choice.to_lowercase() == typed) {
            return self.choices.iter().collect();
        }
        self.choices
            .iter()
            .filter(|choice| choice.to_lowercase().contains(&typed))
            .collect()
    }

    /// Takes the next or an earlier choice. Answers whether there is one.
    pub(crate) fn choose(&mut self, down: bool) -> bool {
        let fitting = self.fitting();
        let shown = self.shown();
        let at = fitting.iter().position(|choice| **choice == shown);
        let to = match (at, down) {
            (None, true) => 0,
            (None | Some(0), false) => return false,
            (Some(at), true) => at + 1,
            (Some(at), false) => at - 1,
        };
        let Some(choice) = fitting.get(to).map(|choice| (*choice).clone()) else {
            return false;
        };
        self.put(&choice);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_changed_is_sent_as_it_came() {
        let mut field = Field::new("note", "note", 3).filled("a\u{202e}b\nc");
        assert_eq!(field.shown(), "a\u{fffd}b\nc");
        assert_eq!(field.value(), "a\u{202e}b\nc");
        assert!(field.key(Key::char('!')));
        assert_eq!(field.value(), "a\u{fffd}b\nc!");
    }

    #[test]
    fn a_paste_is_cleaned_and_a_single_line_stays_one() {
        let mut field = Field::new("site", "site", 1);
        assert!(field.paste("BED\u{1b}[2JFORD\r\nX\n"));
        assert_eq!(field.value(), "BED[2JFORD X");
        assert!(!field.break_line());
        let mut text = Field::new("note", "note", 3);
        assert!(text.paste(&"x".repeat(20_000)));
        assert_eq!(text.value().len(), CHARS_MOST - 1);
        assert!(!text.key(Key::char('y')), "full is full");
    }

    #[test]
    fn choices_narrow_with_what_is_typed() {
        let choices = ["BEARING: Bearing wear", "SEAL: Seal leak", "ELEC: Electrical"]
            .map(str::to_owned)
            .to_vec();
        let mut field = Field::new("cause", "cause", 1).with_choices(choices);
        for char in "ea".chars() {
            field.key(Key::char(char));
        }
        assert_eq!(field.fitting().len(), 2);
        assert!(field.choose(true));
        assert_eq!(field.value(), "BEARING: Bearing wear");
        assert_eq!(field.fitting().len(), 3, "a whole choice shows all");
        assert!(field.choose(true) && field.choose(true) && !field.choose(true));
        assert_eq!(field.value(), "ELEC: Electrical");
    }

    #[test]
    fn what_is_typed_takes_the_place_of_a_choice_and_what_is_deleted_mends_it() {
        let choices = ["BEARING: Bearing wear", "SEAL: Seal leak", "ELEC: Electrical"]
            .map(str::to_owned)
            .to_vec();
        let mut field = Field::new("cause", "cause", 1).filled("SEAL: Seal leak").with_choices(choices);
        assert!(field.is_taken());
        field.key(Key::char('e'));
        field.key(Key::char('l'));
        assert_eq!(field.value(), "el");
        assert_eq!(field.fitting(), ["ELEC: Electrical"]);
        assert!(field.choose(true) && field.is_taken());
        field.key(Key::plain(KeyCode::Backspace));
        assert_eq!(field.value(), "ELEC: Electrica");
        field.key(Key::char('n'));
        assert_eq!(field.value(), "ELEC: Electrican", "it is being mended");
        field.put("SEAL: Seal leak");
        field.key(Key::plain(KeyCode::Home));
        field.key(Key::char('x'));
        assert_eq!(field.value(), "xSEAL: Seal leak");
        field.put("SEAL: Seal leak");
        assert!(field.paste("worn"));
        assert_eq!(field.value(), "worn");
        let mut code = Field::new("priority", "priority", 1).filled("1").with_code();
        code.key(Key::char('2'));
        code.key(Key::char('0'));
        assert_eq!(code.value(), "20", "not 120");
        code.enter();
        code.key(Key::char('3'));
        assert_eq!(code.value(), "3");
    }

    #[test]
    fn a_text_that_is_none_of_the_choices_is_spoken_of_when_it_is_left() {
        let choices = vec!["SEAL: Seal leak".to_owned()];
        let mut field = Field::new("cause", "cause", 1).with_choices(choices.clone());
        assert_eq!(field.parting(), None, "nothing was written");
        field.put("sea");
        assert!(matches!(field.parting(), Some(Ok(text)) if text.contains("as you wrote it")));
        assert!(field.choose(true));
        assert_eq!(field.parting(), None);
        let mut checked = field.with_check(|text| if text == "2" { Ok(()) } else { Err("no number".into()) });
        checked.put("2");
        assert_eq!(checked.parting(), None);
        checked.put("two");
        assert_eq!(checked.parting(), Some(Err("no number".into())));
        assert_eq!(Field::new("note", "note", 1).parting(), None);
    }
}
