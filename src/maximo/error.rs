//! What can go wrong with a call, as one sentence with the remedy.

use std::fmt;
use std::time::Duration;

use crate::domain::{SafeText, Service};

/// A failed call.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    service: Service,
    kind: ErrorKind,
    operation: &'static str,
    /// What the server or the library said.
    words: SafeText,
    status: Option<u16>,
    too_long: bool,
    unasked: bool,
}

/// Kinds of failure that differ in what happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The address is not `https`.
    Insecure,
    /// The configuration cannot make a client (bad CA file, header value, address).
    Configuration,
    /// The certificate was not trusted, or TLS failed; no byte of the request was sent.
    Tls,
    /// Name look-up or connection failed; no byte was sent.
    Unreachable,
    /// Too many failures lately: not tried until the next probe; no byte was sent.
    Resting,
    /// Time ran out or the connection broke after bytes were sent: it may have arrived.
    Interrupted,
    /// 5xx: it may have been carried out.
    Server {
        /// The status.
        status: u16,
    },
    /// 429, or 503 with `Retry-After`.
    Throttled {
        /// How long to wait, where it was said sensibly; at most 15 minutes.
        after: Option<Duration>,
    },
    /// 401 even after a refresh, or the token endpoint refused the client.
    Credentials,
    /// 404.
    NotFound,
    /// 409 or 412.
    Conflict,
    /// Another 4xx, or a redirect, which is never followed.
    Refused {
        /// The status.
        status: u16,
    },
    /// An answer that does not fit the contract, or larger than 16 MiB.
    Malformed,
}

impl Error {
    pub(crate) fn new(service: Service, operation: &'static str, kind: ErrorKind, words: impl Into<SafeText>) -> Self {
        Self {
            service,
            kind,
            operation,
            words: words.into(),
            status: None,
            too_long: false,
            unasked: false,
        }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The answer was cut off at our own limit.
    pub(super) fn past_the_limit(mut self) -> Self {
        self.too_long = true;
        self
    }

    /// No request was made, since what was asked cannot be put into one.
    pub(super) fn never_asked(mut self) -> Self {
        self.unasked = true;
        self
    }

    /// Whether no request was made, since what was asked cannot be put into one: nobody refused it but we ourselves.
    pub fn is_unasked(&self) -> bool {
        self.unasked
    }

    /// The HTTP status, where an answer came.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What kind.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Which system.
    pub fn service(&self) -> Service {
        self.service
    }

    /// What the server or the library said.
    pub fn words(&self) -> &SafeText {
        &self.words
    }

    /// Whether the request certainly did not reach the server.
    pub fn not_sent(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Insecure | ErrorKind::Configuration | ErrorKind::Tls | ErrorKind::Unreachable | ErrorKind::Resting
        )
    }

    /// Whether the answer was longer than may be.
    pub(super) fn too_long(&self) -> bool {
        self.too_long
    }

    /// Whether a read may be tried again at once or after a wait.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable | ErrorKind::Interrupted | ErrorKind::Server { .. } | ErrorKind::Throttled { .. } | ErrorKind::Malformed
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service, operation, words, ..
        } = self;
        let section = service.as_str();
        match &self.kind {
            _ if self.unasked => write!(formatter, "{service} cannot be asked so ({operation}): {words}; nothing was sent"),
            ErrorKind::Insecure => write!(
                formatter,
                "{service}'s address is refused: {words}; set an https:// url in [profiles.*.{section}]"
            ),
            ErrorKind::Configuration => write!(formatter, "{service} cannot be called: {words}"),
            ErrorKind::Tls => write!(
                formatter,
                "{service}'s certificate is not accepted: {words}; if it is the plant's own authority, name its file as ca_file in [profiles.*.{section}]"
            ),
            ErrorKind::Unreachable => {
                write!(
                    formatter,
                    "{service} cannot be reached: {words}; check the network, then `nightdesk doctor`"
                )
            }
            ErrorKind::Resting => write!(
                formatter,
                "{service} could not be reached five times in a row and is left alone until the next probe: {words}"
            ),
            ErrorKind::Interrupted => write!(formatter, "{service} did not finish its answer to {operation}: {words}"),
            ErrorKind::Server { status } => write!(formatter, "{service} failed at {operation} ({status}): {words}"),
            ErrorKind::Throttled { after: Some(after) } => {
                write!(
                    formatter,
                    "{service} asks to wait {} s before {operation}: {words}",
                    after.as_secs()
                )
            }
            ErrorKind::Throttled { after: None } => write!(formatter, "{service} asks to slow down at {operation}: {words}"),
            ErrorKind::Credentials => {
                write!(
                    formatter,
                    "{service} refused the credential: {words}; check the key of [profiles.*.{section}], then `nightdesk doctor`"
                )
            }
            ErrorKind::NotFound => write!(formatter, "{service} knows nothing of that ({operation}): {words}"),
            ErrorKind::Conflict => write!(formatter, "{service} says that it is already otherwise ({operation}): {words}"),
            ErrorKind::Refused { status } => write!(formatter, "{service} refused {operation} ({status}): {words}"),
            ErrorKind::Malformed => write!(formatter, "{service}'s answer to {operation} does not fit the contract: {words}"),
        }
    }
}

impl std::error::Error for Error {}
