//! The form that ends an alert, or several, with a cause.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::ask::{Ask, Step};
use super::super::scene::Scene;
use super::super::window::Frame;
use super::field::Field;
use super::note::manners;
use super::sheet::{Sheet, Took};
use crate::config::RootCause;
use crate::domain::{AlertId, SafeText};
use crate::model::{Action, Draft, DraftKey, Key, Store};

/// Resolution, root cause, preventive action.
#[derive(Clone, Debug)]
pub(crate) struct ResolveForm {
    title: String,
    alerts: Vec<AlertId>,
    pub(super) sheet: Sheet,
}

/// What a form may be filled with when a refused row is edited.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolveText {
    pub(crate) resolution: String,
    pub(crate) root_cause: String,
    pub(crate) preventive_action: String,
}

impl ResolveForm {
    /// Opens it.
    pub(crate) fn new(title: String, profile: &str, alerts: Vec<AlertId>, causes: Vec<String>, text: &ResolveText) -> Self {
        let key = DraftKey {
            form: "resolve".into(),
            profile: profile.to_owned(),
            alerts: alerts.clone(),
        };
        let fields = vec![
            Field::new("resolution", "resolution", 3).filled(&text.resolution),
            Field::new("root-cause", "root cause", 1)
                .filled(&text.root_cause)
                .with_choices(causes),
            Field::new("preventive-action", "prevention", 3).filled(&text.preventive_action),
        ];
        Self {
            title,
            alerts,
            sheet: Sheet::new(key, fields),
        }
    }

    pub(super) fn took(&mut self, took: Took) -> Step {
        match took {
            Took::Stay => Step::Stay,
            Took::Changed => Step::Changed,
            Took::Leave => Step::Close,
            Took::Submit => {
                let (Some(resolution), Some(root_cause)) = (self.sheet.optional("resolution"), self.sheet.optional("root-cause")) else {
                    if self.sheet.optional("resolution").is_none() {
                        self.sheet.refuse("resolution", "resolution is empty: say what was done".into());
                    } else {
                        self.sheet.refuse(
                            "root-cause",
                            "root cause is empty: choose one with the arrows, or write your own".into(),
                        );
                    }
                    return Step::Stay;
                };
                Step::CloseAsk(Ask::Resolve {
                    alerts: self.alerts.clone(),
                    resolution,
                    root_cause,
                    preventive_action: self.sheet.optional("preventive-action"),
                })
            }
        }
    }

    pub(super) fn render(&self, scene: &Scene<'_>, buffer: &mut Buffer, area: Rect) {
        let frame = Frame {
            title: &self.title,
            hints: &[Action::Submit, Action::NextField, Action::BreakLine, Action::Leave],
            width: 90,
            height: self.sheet.wanted() + 1,
        };
        let inner = frame.render(scene, buffer, area);
        self.sheet.render(scene, buffer, inner, true);
    }
}

manners!(ResolveForm);

/// The coded causes, those first that the alerts in the store were resolved with most often, then others that people wrote.
pub(crate) fn causes(store: &Store, coded: &[RootCause]) -> Vec<String> {
    let mut used: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for cause in store.alerts().filter_map(|alert| alert.root_cause.as_ref()).map(SafeText::shown) {
        *used.entry(cause).or_default() += 1;
    }
    let mut causes: Vec<(usize, usize, String)> = coded
        .iter()
        .enumerate()
        .map(|(place, cause)| {
            let whole = if cause.text.is_empty() {
                cause.code.clone()
            } else {
                format!("{}: {}", cause.code, cause.text)
            };
            let uses: usize = [whole.as_str(), cause.code.as_str(), cause.text.as_str()]
                .iter()
                .map(|text| used.remove(*text).unwrap_or(0))
                .sum();
            (usize::MAX - uses, place, whole)
        })
        .collect();
    causes.sort();
    let mut own: Vec<(usize, &str)> = used
        .into_iter()
        .filter(|(text, _)| !text.trim().is_empty())
        .map(|(text, uses)| (usize::MAX - uses, text))
        .collect();
    own.sort_unstable();
    causes
        .into_iter()
        .map(|(_, _, whole)| whole)
        .chain(own.into_iter().take(5).map(|(_, text)| text.to_owned()))
        .collect()
}
