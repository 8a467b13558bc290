//! What a failed exchange means.

use std::time::Duration;

use jiff::Timestamp;

use super::{Error, ErrorKind};
use crate::domain::Service;

/// The longest wait that a server can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// What nobody means.
const ABSURD_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a byte was sent decides everything: a failed connection is certainly not delivered, anything later may be.
pub(crate) fn classify(service: Service, operation: &'static str, error: &reqwest::Error) -> Error {
    let (words, tls) = root_cause(error);
    let (kind, words) = if error.is_builder() {
        (ErrorKind::Configuration, words)
    } else if error.is_connect() && tls {
        (ErrorKind::Tls, words)
    } else if error.is_connect() && error.is_timeout() {
        (ErrorKind::Unreachable, "no connection within the time limit".to_owned())
    } else if error.is_connect() {
        (ErrorKind::Unreachable, words)
    } else if error.is_timeout() {
        (ErrorKind::Interrupted, "no answer within the time limit".to_owned())
    } else {
        (ErrorKind::Interrupted, words)
    };
    Error::new(service, operation, kind, words)
}

/// The innermost error's words, and whether TLS is at its root. An `io::Error` hides what it wraps from `source`.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> (String, bool) {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return (tls.to_string(), true);
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    if let Some(inner) = inner {
        return root_cause(inner);
    }
    error.source().map_or_else(|| (error.to_string(), false), root_cause)
}

/// What a status other than success means. A 503 without a usable `Retry-After` may have been carried out.
pub(crate) fn of_status(status: u16, after: Option<Duration>) -> ErrorKind {
    match status {
        401 => ErrorKind::Credentials,
        404 => ErrorKind::NotFound,
        409 | 412 => ErrorKind::Conflict,
        429 => ErrorKind::Throttled { after },
        503 if after.is_some() => ErrorKind::Throttled { after },
        500..=599 => ErrorKind::Server { status },
        _ => ErrorKind::Refused { status },
    }
}

/// Seconds or an HTTP date. What is negative, unreadable, past or absurd (more than a day) is no wait at all; more than 15 minutes is cut.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        Duration::try_from(Timestamp::try_from(date).ok()?.duration_since(now)).ok()?
    };
    (wait <= ABSURD_WAIT).then(|| wait.min(LONGEST_WAIT))
}

/// The word of records.
pub(super) fn outcome_of(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Insecure => "insecure",
        ErrorKind::Configuration => "configuration",
        ErrorKind::Tls => "tls",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Resting => "resting",
        ErrorKind::Interrupted => "interrupted",
        ErrorKind::Server { .. } => "server",
        ErrorKind::Throttled { .. } => "throttled",
        ErrorKind::Credentials => "credentials",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Refused { .. } => "refused",
        ErrorKind::Malformed => "malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_reads_seconds_and_dates_and_ignores_nonsense() {
        let now: Timestamp = "2026-02-19T02:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("3600", Some(900)),
            ("999999999999999999999999", None),
            ("999999999", None),
            ("-5", None),
            ("+5", None),
            ("soon", None),
            ("", None),
            ("1.5", None),
            ("Thu, 19 Feb 2026 02:01:00 GMT", Some(60)),
            ("Thu, 19 Feb 2026 05:00:00 GMT", Some(900)),
            ("Thu, 19 Feb 2026 01:00:00 GMT", None),
            ("Thu, 19 Feb 2099 01:00:00 GMT", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_waits_longer_than_its_bound(text in "\\PC{0,40}") {
            let wait = retry_after(&text, "2026-02-19T02:00:00Z".parse().unwrap());
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }
    }

    #[test]
    fn a_503_whose_retry_after_is_nonsense_is_in_doubt() {
        assert_eq!(of_status(503, None), ErrorKind::Server { status: 503 });
        assert_eq!(of_status(429, None), ErrorKind::Throttled { after: None });
    }
}
