//! For which profile and server something is kept.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A profile of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The profile's name.
    pub profile: String,
    /// The monitor's `https://host:port`.
    pub origin: String,
}

impl Scope {
    /// A directory name: readable, and unique through a hash of both parts.
    pub(super) fn directory(&self) -> String {
        let mut name: String = self
            .profile
            .chars()
            .filter(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'))
            .take(24)
            .collect();
        name.push('-');
        let mut hash = Sha256::new();
        hash.update((self.profile.len() as u64).to_be_bytes());
        hash.update(&self.profile);
        hash.update(&self.origin);
        name.push_str(&short_hex(&hash.finalize()));
        name
    }
}

/// The first sixteen hexadecimal digits of a hash.
pub(super) fn short_hex(hash: &[u8]) -> String {
    hash.iter().take(8).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_and_server_has_its_own_plain_directory() {
        let scope = |profile: &str, origin: &str| {
            Scope {
                profile: profile.into(),
                origin: origin.into(),
            }
            .directory()
        };
        let one = scope("bedford", "https://a:443");
        assert_ne!(one, scope("bedford", "https://b:443"));
        assert_ne!(one, scope("../bedford", "https://a:443"));
        assert!(!scope("../../etc", "x").contains(['/', '.']));
        assert_eq!(one, scope("bedford", "https://a:443"));
    }
}
