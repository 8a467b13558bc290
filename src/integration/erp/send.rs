//! One try of a report.

use std::fmt;
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::config::{Env, Erp, ErpMethod};
use crate::domain::{Intent, SafeText, Service, Target, hex};
use crate::integration::exchange::{Client, Request};
use crate::integration::{JobError, JobErrorKind, key_source};
use crate::maximo::{Error, ErrorKind, KeySource, Limits, Renewal, Telemetry};
use crate::outbox::{Receipt, Sent, Shipment, Verified};

/// The ERP that takes reports.
pub struct Reports {
    url: Url,
    method: ErpMethod,
    /// As it was at the start.
    first: Arc<Keyed>,
    source: KeySource,
    renewal: Renewal<Arc<Keyed>>,
}

/// A key, and the client that lets no server repeat it.
struct Keyed {
    client: Client,
    key: SecretString,
}

impl fmt::Debug for Reports {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Reports")
            .field(&self.url.origin().ascii_serialization())
            .finish()
    }
}

impl Reports {
    /// Reads the key and the authority.
    pub async fn open(erp: &Erp, env: &Env, limits: Limits, telemetry: &Telemetry) -> Result<Self, JobError> {
        let configuration = |words: String| JobError::new(JobErrorKind::Configuration, words);
        let ca = erp.ca_file.as_ref().map(|path| {
            std::fs::read(path)
                .map_err(|error| configuration(format!("profiles.*.erp.ca_file: {} cannot be read: {error}", path.display())))
        });
        let client = Client::new(Service::Erp, ca.transpose()?.as_deref(), None, &limits, telemetry.clone())
            .map_err(|words| configuration(format!("profiles.*.erp: {words}")))?;
        let key = erp.key.read(env).await?;
        Ok(Self {
            url: erp.url.clone(),
            method: erp.method,
            first: Arc::new(Keyed {
                client: client.hiding([key.clone()]),
                key,
            }),
            source: key_source(&erp.key, env),
            renewal: Renewal::resting(limits.key_rest),
        })
    }

    /// What reports are bound to.
    pub fn target(&self, profile: &str) -> Target {
        target(&self.url, profile)
    }

    /// One attempt. A key that is refused is read anew once, and where there is another one by now, that one is taken.
    pub async fn send(&self, shipment: &Shipment) -> Sent {
        let (keyed, generation) = self.current();
        let sent = self.attempt(&keyed, shipment).await;
        if matches!(sent, Sent::Unauthorized { .. }) && self.renew(generation).await {
            return self.attempt(&self.current().0, shipment).await;
        }
        sent
    }

    /// The key to use now, and its generation.
    fn current(&self) -> (Arc<Keyed>, u64) {
        let (newest, generation) = self.renewal.newest();
        (newest.unwrap_or_else(|| Arc::clone(&self.first)), generation)
    }

    async fn renew(&self, stale: u64) -> bool {
        let look = |known: Option<Arc<Keyed>>| async move {
            let known = known.unwrap_or_else(|| Arc::clone(&self.first));
            let other = self.source.other_than(&known.key).await?;
            Ok(other.map(|key| {
                // a server may still repeat the old one
                let client = known.client.clone().hiding([known.key.clone(), key.clone()]);
                Arc::new(Keyed { client, key })
            }))
        };
        self.renewal.renew(stale, look).await
    }

    /// A `PUT` to line and date, and a `POST` with its `Idempotency-Key`, may be repeated.
    async fn attempt(&self, keyed: &Keyed, shipment: &Shipment) -> Sent {
        let Intent::ReportProduction {
            line,
            date,
            revision,
            report,
        } = &shipment.intent
        else {
            return refused("this is no production report");
        };
        let (method, url) = match self.method {
            ErpMethod::Post => (Method::POST, self.url.clone()),
            ErpMethod::Put => match place(&self.url, line, date) {
                Some(url) => (Method::PUT, url),
                None => return refused(&format!("the line `{line}` cannot be part of an address")),
            },
        };
        let headers = match keyed.headers(line, date, *revision, report) {
            Ok(headers) => headers,
            Err(words) => return Sent::Unauthorized { reason: words },
        };
        let reply = keyed
            .client
            .call(Request {
                operation: "reportProduction",
                object: &format!("{line}/{date}"),
                method,
                url,
                headers,
                body: Some(shipment.body.clone()),
                attempt: shipment.attempt,
            })
            .await;
        match reply {
            Ok(reply) if reply.is_success() => Sent::Delivered(Receipt::default()),
            Ok(reply) => {
                let reason: SafeText = format!("the ERP answered {}", reply.words().shown()).into();
                match reply.kind() {
                    ErrorKind::Credentials => Sent::Unauthorized {
                        reason: format!("{}; check [profiles.*.erp] key_file", reason.shown()).into(),
                    },
                    ErrorKind::Throttled { after } => Sent::Throttled { after, reason },
                    ErrorKind::Server { .. } => Sent::InDoubt { reason },
                    ErrorKind::Conflict => Sent::Conflict { reason },
                    _ => Sent::Refused { reason },
                }
            }
            Err(error) => of_error(&error),
        }
    }

    /// The same may be sent again: there is nothing to find out.
    pub fn verify(&self) -> Verified {
        Verified::Absent
    }
}

impl Keyed {
    fn headers(&self, line: &str, date: &str, revision: u32, report: &Map<String, Value>) -> Result<HeaderMap, SafeText> {
        let bearer = format!("Bearer {}", self.key.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| SafeText::from("the key of [profiles.*.erp] holds a character that no header may have: check its file"))?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer);
        let digest = Sha256::digest(format!("{line}\n{date}\n{revision}\n{}", Value::Object(report.clone())));
        let key = hex(&digest).chars().take(32).collect::<String>();
        // digits only: always a header
        if let Ok(key) = HeaderValue::from_str(&key) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        headers.insert(HeaderName::from_static("x-report-revision"), HeaderValue::from(revision));
        Ok(headers)
    }
}

/// What the reports to an address are bound to.
pub(crate) fn target(url: &Url, profile: &str) -> Target {
    Target {
        service: Service::Erp,
        profile: profile.to_owned(),
        origin: url.origin().ascii_serialization(),
    }
}

fn refused(words: &str) -> Sent {
    Sent::Refused { reason: words.into() }
}

/// `{url}/{line}/{date}`, each a segment of its own.
fn place(base: &Url, line: &str, date: &str) -> Option<Url> {
    if [line, date]
        .iter()
        .any(|segment| segment.is_empty() || *segment == "." || *segment == "..")
    {
        return None;
    }
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend([line, date]);
    Some(url)
}

fn of_error(error: &Error) -> Sent {
    let words = error.words().shown();
    match error.kind() {
        ErrorKind::Tls => Sent::NotSent {
            reason: format!("the ERP's certificate is not accepted: {words}; see [profiles.*.erp] ca_file").into(),
        },
        ErrorKind::Unreachable | ErrorKind::Resting => Sent::NotSent {
            reason: format!("the ERP cannot be reached: {words}").into(),
        },
        ErrorKind::Insecure | ErrorKind::Configuration => Sent::Refused { reason: words.into() },
        _ => Sent::InDoubt {
            reason: format!("the ERP did not finish its answer: {words}").into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_date_are_segments_whatever_they_hold() {
        let base: Url = "https://erp.example/reports/".parse().unwrap();
        let url = |line| place(&base, line, "2026-02-18").map(|url| url.to_string());
        assert_eq!(url("LINE-1").as_deref(), Some("https://erp.example/reports/LINE-1/2026-02-18"));
        assert_eq!(
            url("a/../b?c#d").as_deref(),
            Some("https://erp.example/reports/a%2F..%2Fb%3Fc%23d/2026-02-18")
        );
        assert_eq!((url(".."), url(".")), (None, None));
    }
}
