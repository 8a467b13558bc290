//! A work order, and the draft that becomes one.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Alert, MetricValue, SafeText, Severity, WorkOrderNumber};

/// Longest `description` that Manage takes, in characters (contract: `WorkOrderDraft`).
pub const DESCRIPTION_MAX: usize = 100;

/// A work order as Manage tells it. Serialises with Manage's member names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkOrder {
    /// Its number.
    pub wonum: WorkOrderNumber,
    /// Its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siteid: Option<SafeText>,
    /// WAPPR, APPR, INPRG, COMP, CLOSE, CAN or a site's synonym.
    pub status: SafeText,
    /// The internal value behind a synonym; decisions are made on it where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_maxvalue: Option<SafeText>,
    /// The short text.
    #[serde(default)]
    pub description: SafeText,
    /// The asset it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assetnum: Option<SafeText>,
    /// 1 is the highest unless the site ranks the other way round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wopriority: Option<i64>,
    /// The technician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<SafeText>,
    /// The client reference: ten Crockford characters where it is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub externalrefid: Option<SafeText>,
    /// When it was reported, as the server writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reportdate: Option<SafeText>,
}

impl WorkOrder {
    /// Whether work on it is still to come: neither completed, closed nor cancelled.
    pub fn is_open(&self) -> bool {
        let status = self.status_maxvalue.as_ref().unwrap_or(&self.status).raw();
        !["COMP", "CLOSE", "CAN"].iter().any(|done| status.eq_ignore_ascii_case(done))
    }

    /// Whether the work is done (completed or closed; a cancelled order did nothing).
    pub fn is_completed(&self) -> bool {
        let status = self.status_maxvalue.as_ref().unwrap_or(&self.status).raw();
        ["COMP", "CLOSE"].iter().any(|done| status.eq_ignore_ascii_case(done))
    }
}

/// A site's defaults for new work orders (`[profiles.*.work_order]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkOrderDefaults {
    /// The site.
    pub siteid: String,
    /// The work type.
    pub worktype: String,
    /// Who reports it.
    pub reportedby: String,
    /// The classification; empty leaves it out.
    pub classificationid: String,
    /// Severity to `wopriority`.
    pub priority: PriorityMap,
}

impl Default for WorkOrderDefaults {
    fn default() -> Self {
        Self {
            siteid: "BEDFORD".into(),
            worktype: "CM".into(),
            reportedby: "MONITOR".into(),
            classificationid: "IOT_ALERT".into(),
            priority: PriorityMap::default(),
        }
    }
}

/// Severity to `wopriority`; some sites rank 999 highest, so it is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PriorityMap {
    /// For critical.
    pub critical: u16,
    /// For high.
    pub high: u16,
    /// For medium and for severities that the contract does not name.
    pub medium: u16,
    /// For low.
    pub low: u16,
}

impl Default for PriorityMap {
    fn default() -> Self {
        Self {
            critical: 1,
            high: 2,
            medium: 3,
            low: 4,
        }
    }
}

impl PriorityMap {
    /// The least and the greatest of them: the site's own scale.
    pub fn scale(self) -> (u16, u16) {
        let all = [self.critical, self.high, self.medium, self.low];
        all.into_iter()
            .fold((u16::MAX, 0), |(least, most), one| (least.min(one), most.max(one)))
    }

    /// The priority of a severity.
    pub fn of(self, severity: &Severity) -> u16 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium | Severity::Other(_) => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// What a person edits before a work order is made. [`WorkOrderDraft::validated`] checks it against Manage's field lengths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkOrderDraft {
    /// One line, at most [`DESCRIPTION_MAX`] characters.
    pub description: String,
    /// Plain text; HTML is escaped where it is sent.
    pub description_longdescription: String,
    /// At most 25 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assetnum: Option<String>,
    /// At most 8 characters.
    pub siteid: String,
    /// At most 5 characters.
    pub worktype: String,
    /// 0 to 999.
    pub wopriority: u16,
    /// Who reports it.
    pub reportedby: String,
    /// Empty is not sent.
    pub classificationid: String,
    /// The technician, if one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
}

impl WorkOrderDraft {
    /// The mission's mapping of an alert. Absent values read `N/A`; the asset is the device's id.
    pub fn from_alert(alert: &Alert, defaults: &WorkOrderDefaults) -> Self {
        let whole = format!("IoT Alert: {}", alert.name.raw());
        let value = match &alert.value {
            None | Some(MetricValue::Null) => "N/A".to_owned(),
            Some(MetricValue::Text(text)) => text.raw().to_owned(),
            Some(MetricValue::Bool(flag)) => flag.to_string(),
            Some(MetricValue::Number(number)) => number.to_string(),
            Some(MetricValue::Integer(number)) => number.to_string(),
        };
        let mut long = format!(
            "Device: {}\nMetric: {}\nValue: {value}\nTime: {}\n\n{}",
            alert.device.raw(),
            alert.metric.as_ref().map_or("N/A", SafeText::raw),
            alert.raised_at,
            alert.message.as_ref().map_or("", SafeText::raw),
        );
        let description = cut(&whole, DESCRIPTION_MAX);
        if description.len() < whole.len() {
            long = format!("{whole}\n{long}");
        }
        Self {
            description,
            description_longdescription: long,
            assetnum: Some(alert.device.raw().to_owned()),
            siteid: defaults.siteid.clone(),
            worktype: defaults.worktype.clone(),
            wopriority: defaults.priority.of(&alert.severity),
            reportedby: defaults.reportedby.clone(),
            classificationid: defaults.classificationid.clone(),
            lead: None,
        }
    }

    /// Checks every length and character set before anything is queued.
    pub fn validated(self) -> Result<Self, DraftError> {
        let required = [("description", &self.description), ("siteid", &self.siteid)];
        for (field, text) in required {
            if text.trim().is_empty() {
                return Err(DraftError::Empty { field });
            }
        }
        let none = String::new();
        let limits = [
            ("description", &self.description, DESCRIPTION_MAX),
            ("assetnum", self.assetnum.as_ref().unwrap_or(&none), 25),
            ("siteid", &self.siteid, 8),
            ("worktype", &self.worktype, 5),
            ("reportedby", &self.reportedby, 62),
            ("classificationid", &self.classificationid, 192),
            ("lead", self.lead.as_ref().unwrap_or(&none), 30),
        ];
        for (field, text, max) in limits {
            let length = text.chars().count();
            if length > max {
                return Err(DraftError::TooLong { field, length, max });
            }
            if text.chars().any(char::is_control) {
                return Err(DraftError::Control { field });
            }
        }
        if self.wopriority > 999 {
            return Err(DraftError::Priority(self.wopriority));
        }
        Ok(self)
    }
}

fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

/// Why a draft cannot become a work order yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DraftError {
    /// A field that Manage requires.
    #[error("{field} is empty: Manage needs it")]
    Empty {
        /// The member.
        field: &'static str,
    },
    /// A field that Manage would refuse or cut.
    #[error("{field} has {length} characters: Manage takes {max}")]
    TooLong {
        /// The member.
        field: &'static str,
        /// Characters given.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A control character in a one-line field.
    #[error("{field} holds a control character: remove it")]
    Control {
        /// The member.
        field: &'static str,
    },
    /// Out of range.
    #[error("priority {0} is out of range: Manage takes 0 to 999")]
    Priority(u16),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_completed_go_by_the_internal_status() {
        let order = |status: &str, internal: Option<&str>| WorkOrder {
            wonum: "1".into(),
            siteid: None,
            status: status.into(),
            status_maxvalue: internal.map(Into::into),
            description: SafeText::default(),
            assetnum: None,
            wopriority: None,
            lead: None,
            externalrefid: None,
            reportdate: None,
        };
        assert!(order("WAPPR", None).is_open());
        assert!(order("FERTIG", Some("COMP")).is_completed());
        assert!(!order("CAN", None).is_open() && !order("CAN", None).is_completed());
    }
}
