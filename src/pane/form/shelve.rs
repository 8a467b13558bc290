//! The form for putting something aside.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Span, Step};
use super::super::scene::Scene;
use super::super::window::Frame;
use super::field::Field;
use super::note::manners;
use super::sheet::{Sheet, Took};
use crate::domain::AlertId;
use crate::domain::shelf::SHELVED_MOST;
use crate::model::{Action, Draft, DraftKey, Key};

/// The choices, the usual one first.
const SPANS: [&str; 4] = ["1h", "15m", "4h", END_OF_SHIFT];
const END_OF_SHIFT: &str = "end of shift";

/// For how long, and why.
#[derive(Clone, Debug)]
pub(crate) struct ShelveForm {
    title: String,
    alerts: Vec<AlertId>,
    pub(super) sheet: Sheet,
}

impl ShelveForm {
    /// Opens it.
    pub(crate) fn new(title: String, profile: &str, alerts: Vec<AlertId>, reason: &str) -> Self {
        let key = DraftKey {
            form: "shelve".into(),
            profile: profile.to_owned(),
            alerts: alerts.clone(),
        };
        let span = Field::new("for", "for", 1)
            .filled(SPANS.first().copied().unwrap_or_default())
            .with_choices(SPANS.map(str::to_owned).into())
            .with_check(|text| span(text).map(drop));
        let reason = Field::new("reason", "reason", 1).filled(reason);
        Self {
            title,
            alerts,
            sheet: Sheet::new(key, vec![span, reason]),
        }
    }

    fn took(&mut self, took: Took) -> Step {
        match took {
            Took::Stay => Step::Stay,
            Took::Changed => Step::Changed,
            Took::Leave => Step::Close,
            Took::Submit => match span(&self.sheet.value("for")) {
                Err(why) => {
                    self.sheet.refuse("for", why);
                    Step::Stay
                }
                Ok(span) => Step::CloseAsk(Ask::Shelve {
                    alerts: self.alerts.clone(),
                    span,
                    reason: self.sheet.value("reason"),
                }),
            },
        }
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let frame = Frame {
            title: &self.title,
            hints: &[Action::Submit, Action::NextField, Action::Leave],
            width: 76,
            height: self.sheet.wanted() + 1,
        };
        let inner = frame.render(scene, buffer, area);
        self.sheet.render(scene, buffer, inner, true);
    }
}

manners!(ShelveForm);

fn span(text: &str) -> Result<Span, String> {
    let text = text.trim();
    if text == END_OF_SHIFT {
        return Ok(Span::Shift);
    }
    let wrong = || {
        format!(
            "write 15m, 1h, 4h, {END_OF_SHIFT}, or another time up to {} h",
            SHELVED_MOST.as_hours()
        )
    };
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    if span < SignedDuration::from_mins(1) || span > SHELVED_MOST {
        return Err(wrong());
    }
    Ok(Span::For(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_within_bounds() {
        assert_eq!(span("15m"), Ok(Span::For(SignedDuration::from_mins(15))));
        assert_eq!(span(" 2h 30m "), Ok(Span::For(SignedDuration::from_mins(150))));
        assert_eq!(span("end of shift"), Ok(Span::Shift));
        for wrong in ["", "soon", "0s", "25h", "-1h"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
