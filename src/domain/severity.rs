//! How bad an alert is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SafeText;

/// Monitor's severities; one it does not name is kept and shown as it came, and ranks as medium.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// `critical`
    Critical,
    /// `high`
    High,
    /// `medium`
    Medium,
    /// `low`
    Low,
    /// Anything else, as it came.
    Other(SafeText),
}

impl Severity {
    /// The four that the contract names, worst first.
    pub const NAMED: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Reads the server's word, in any case.
    pub fn parse(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "medium" => Self::Medium,
            "low" => Self::Low,
            _ => Self::Other(SafeText::new(word)),
        }
    }

    /// 0 is the worst; an unknown severity ranks with medium (contract: `Alert.severity`).
    pub fn rank(&self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Medium | Self::Other(_) => 2,
            Self::Low => 3,
        }
    }

    /// The word that may be shown.
    pub fn shown(&self) -> &str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Other(word) => word.shown(),
        }
    }

    fn raw(&self) -> &str {
        match self {
            Self::Other(word) => word.raw(),
            named => named.shown(),
        }
    }
}

impl PartialOrd for Severity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Severity {
    /// The worse one is the greater.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.rank().cmp(&self.rank()).then_with(|| self.raw().cmp(other.raw()))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.shown())
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.raw())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::parse(&word))
    }
}
