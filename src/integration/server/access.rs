//! Who may ask the facility API: the keys of a file, compared in constant time.

use std::fmt;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;

/// Shortest key, in characters: 16 random ones of an alphabet of 64 are 96 bits.
const KEY_MIN: usize = 16;
/// Longest line.
const LINE_MAX: usize = 512;
/// Most keys.
const KEYS_MAX: usize = 1_000;
/// Longest file, in bytes.
const FILE_MAX: u64 = 1024 * 1024;

/// Why a file of keys cannot be used. Never holds a part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// Not there, or readable by others.
    #[error("bridge.api_keys_file: {}: {reason}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// A line that is no `name:key`.
    #[error("bridge.api_keys_file: {}:{line}: {reason}", .path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// In words.
        reason: &'static str,
    },
}

/// The keys, as prints under a key of this process: comparing prints tells nothing of the keys, however long it takes.
pub struct ApiKeys {
    printer: Hmac<Sha256>,
    keys: Vec<(String, Vec<u8>)>,
}

impl ApiKeys {
    /// Reads `name:key` a line; `#` begins a comment, empty lines are skipped.
    pub fn load(path: &Path) -> Result<Self, AccessError> {
        let failed = |reason: String| AccessError::File {
            path: path.to_owned(),
            reason,
        };
        super::tls::private(path).map_err(failed)?;
        let bytes = crate::local::private::read(path, FILE_MAX)
            .map_err(|error| failed(error.to_string()))?
            .ok_or_else(|| failed("is not there".into()))?;
        let text = String::from_utf8(bytes).map_err(|_| failed("is not UTF-8 text".into()))?;
        let mut secret = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut secret)
            .map_err(|_| failed("cannot be kept: the system gives no random numbers".into()))?;
        let printer = Hmac::<Sha256>::new_from_slice(&secret).map_err(|error| failed(error.to_string()))?;
        let mut keys: Vec<(String, Vec<u8>)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |reason| AccessError::Line {
                path: path.to_owned(),
                line: index + 1,
                reason,
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.len() > LINE_MAX {
                return Err(wrong("is longer than 512 bytes"));
            }
            let (name, key) = line.split_once(':').ok_or_else(|| wrong("is not `name:key`"))?;
            let (name, key) = (name.trim(), key.trim());
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(wrong("has no name before the colon"));
            }
            if key.chars().count() < KEY_MIN {
                return Err(wrong(
                    "has a key of fewer than 16 characters; make one with: openssl rand -base64 24",
                ));
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong("has a key with characters that a header cannot carry"));
            }
            if keys.iter().any(|(has, _)| has == name) {
                return Err(wrong("names somebody a second time"));
            }
            if keys.len() == KEYS_MAX {
                return Err(wrong("is one key too many: 1000 are the most"));
            }
            keys.push((name.to_owned(), print(&printer, key)));
        }
        if keys.is_empty() {
            return Err(failed("holds no key; write `name:key` a line".into()));
        }
        Ok(Self { printer, keys })
    }

    /// Whose key a request carries: `Authorization: Bearer KEY`, or `X-API-Key: KEY`.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Option<&str> {
        let presented = presented(headers)?;
        let mut printer = self.printer.clone();
        printer.update(presented.as_bytes());
        let mut found = None;
        // all of them, whether found or not
        for (name, expected) in &self.keys {
            if printer.clone().verify_slice(expected).is_ok() {
                found = Some(name.as_str());
            }
        }
        found
    }
}

/// The key in a request's headers, if there is one.
pub(super) fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok().map(str::trim);
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn print(printer: &Hmac<Sha256>, key: &str) -> Vec<u8> {
    let mut printer = printer.clone();
    printer.update(key.as_bytes());
    printer.finalize().into_bytes().to_vec()
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiKeys")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use axum::http::HeaderValue;

    use super::*;

    fn load(text: &str, mode: u32) -> Result<ApiKeys, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        ApiKeys::load(&path).map_err(|error| error.to_string().replace(dir.path().to_str().unwrap(), ""))
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn a_key_opens_in_either_header_and_nothing_near_it_does() {
        let keys = load("# who\nshop floor:0123456789abcdef\n\nportal: fedcba9876543210 \n", 0o600).unwrap();
        assert_eq!(
            keys.caller(&headers("authorization", "Bearer 0123456789abcdef")),
            Some("shop floor")
        );
        assert_eq!(keys.caller(&headers("authorization", "bearer  fedcba9876543210")), Some("portal"));
        assert_eq!(keys.caller(&headers("x-api-key", "fedcba9876543210")), Some("portal"));
        for (name, value) in [
            ("authorization", "0123456789abcdef"),
            ("authorization", "Basic 0123456789abcdef"),
            ("authorization", "Bearer 0123456789abcdeF"),
            ("authorization", "Bearer 0123456789abcde"),
            ("x-api-key", "0123456789abcdef0"),
            ("x-api-key", ""),
        ] {
            assert_eq!(keys.caller(&headers(name, value)), None, "{name}: {value}");
        }
        assert_eq!(keys.caller(&HeaderMap::new()), None);
        assert!(!format!("{keys:?}").contains("0123"));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_with_its_line() {
        for (text, mode, expected) in [
            ("a:0123456789abcdef\n", 0o644, "can be read by others (mode 0644)"),
            ("a:0123456789abcdef\nb\n", 0o600, "/keys:2: is not `name:key`"),
            ("\n:0123456789abcdef", 0o600, "/keys:2: has no name"),
            ("a:short", 0o600, "/keys:1: has a key of fewer than 16 characters"),
            ("a:0123456789 abcdef", 0o600, "/keys:1: has a key with characters"),
            (
                "a:0123456789abcdef\na:fedcba9876543210",
                0o600,
                "/keys:2: names somebody a second time",
            ),
            ("# nobody\n", 0o600, "holds no key"),
        ] {
            let error = load(text, mode).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("0123456789"), "{error}");
        }
        assert!(ApiKeys::load(Path::new("/nonexistent/keys")).is_err());
    }
}
