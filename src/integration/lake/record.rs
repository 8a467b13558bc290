//! Every call of the store and of its token service, in the usage log and in the figures.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

use crate::domain::Service;
use crate::maximo::{Error, ErrorKind, Telemetry, Underway};

/// A call under way. Dropped before its end it is recorded as cancelled.
pub(super) struct Called {
    telemetry: Telemetry,
    underway: Underway,
    operation: &'static str,
    at: Timestamp,
    began: Instant,
}

impl Called {
    /// Each is a first attempt: which calls are repeats, the store's own client does not tell.
    pub(super) fn begin(telemetry: &Telemetry, operation: &'static str, object: &str) -> Self {
        Self {
            telemetry: telemetry.clone(),
            underway: Underway::begin(telemetry, Service::Lake, operation, object, 1),
            operation,
            at: Timestamp::now(),
            began: Instant::now(),
        }
    }

    /// An answer came.
    pub(super) fn answered(self, status: StatusCode, bytes: usize) {
        let kind = match status.as_u16() {
            // whether something is there is what was asked
            404 if self.operation == "headObject" => None,
            401 | 403 => Some(ErrorKind::Credentials),
            404 => Some(ErrorKind::NotFound),
            409 | 412 => Some(ErrorKind::Conflict),
            429 => Some(ErrorKind::Throttled { after: None }),
            status @ 500.. => Some(ErrorKind::Server { status }),
            status @ 400.. => Some(ErrorKind::Refused { status }),
            _ => None,
        };
        match kind {
            Some(kind) => self.failed(kind, Some(status)),
            None => {
                self.underway.end("ok", Some(status.as_u16()), bytes);
                self.telemetry.settle(Service::Lake, self.at, self.began.elapsed(), None);
            }
        }
    }

    /// None came, or none that could be used.
    pub(super) fn failed(self, kind: ErrorKind, status: Option<StatusCode>) {
        let error = Error::new(Service::Lake, self.operation, kind, "no success");
        let error = match status {
            Some(status) => error.with_status(status.as_u16()),
            None => error,
        };
        self.underway.fail(&error);
        self.telemetry.settle(Service::Lake, self.at, self.began.elapsed(), Some(&error));
    }
}

/// The client of the store, with a record of its calls. The time is that until the answer begins; what an object is read for goes on
/// after it.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    client: reqwest::Client,
    telemetry: Telemetry,
}

impl Recorded {
    pub(super) fn new(client: reqwest::Client, telemetry: Telemetry) -> Self {
        Self { client, telemetry }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let operation = operation(request.method(), request.uri().query().unwrap_or_default());
        let called = Called::begin(&self.telemetry, operation, request.uri().path());
        let result = HttpService::call(&self.client, request).await;
        match &result {
            Ok(response) => {
                let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                // to a HEAD the length is that of the object, of which nothing was sent
                let sent = length.filter(|_| operation != "headObject").and_then(|length| length.parse().ok());
                called.answered(response.status(), sent.unwrap_or(0));
            }
            Err(error) if error.kind() == HttpErrorKind::Connect => called.failed(ErrorKind::Unreachable, None),
            Err(_) => called.failed(ErrorKind::Interrupted, None),
        }
        result
    }
}

// the trait is made by `async_trait`; this is what it expands to
impl HttpService for Recorded {
    fn call<'service, 'call>(&'service self, request: HttpRequest) -> BoxFuture<'call, Result<HttpResponse, HttpError>>
    where
        'service: 'call,
        Self: 'call,
    {
        Box::pin(self.send(request))
    }
}

/// The name of a call in S3's own words.
fn operation(method: &Method, query: &str) -> &'static str {
    let asks = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match *method {
        Method::HEAD => "headObject",
        Method::GET if asks("list-type") => "listObjects",
        Method::GET => "getObject",
        Method::PUT if asks("partNumber") => "uploadPart",
        Method::PUT => "putObject",
        Method::POST if asks("uploads") => "createMultipartUpload",
        Method::POST if asks("uploadId") => "completeMultipartUpload",
        Method::DELETE if asks("uploadId") => "abortMultipartUpload",
        Method::DELETE => "deleteObject",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_as_the_service_s_own_papers_name_it() {
        for (method, query, expected) in [
            (Method::HEAD, "", "headObject"),
            (Method::PUT, "", "putObject"),
            (Method::PUT, "partNumber=1&uploadId=x", "uploadPart"),
            (Method::POST, "uploads", "createMultipartUpload"),
            (Method::POST, "uploads=", "createMultipartUpload"),
            (Method::POST, "uploadId=x", "completeMultipartUpload"),
            (Method::DELETE, "uploadId=x", "abortMultipartUpload"),
            (Method::DELETE, "", "deleteObject"),
        ] {
            assert_eq!(operation(&method, query), expected, "{method} {query}");
        }
    }
}
