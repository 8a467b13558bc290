//! Answers in JSON, and bodies that end: within a size and within a time.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

/// Largest body that is taken, in bytes.
pub(super) const BODY_MAX: usize = 256 * 1024;
/// A body must be there by then.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// A document.
pub(super) fn document(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(status, "application/json", bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `{"error": "..."}`
pub(super) fn refusal(status: StatusCode, words: &str) -> Response {
    document(status, &json!({ "error": words }))
}

/// Bytes of a type.
pub(super) fn with_type(status: StatusCode, kind: &'static str, bytes: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes.into()).into_response()
}

/// A whole body, or the answer to somebody who sends too much or too slowly.
pub(super) async fn body(announced: Option<&HeaderValue>, body: Body) -> Result<Bytes, Response> {
    let announced = announced
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(too_large());
    }
    let deadline = Instant::now() + BODY_TIMEOUT;
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    loop {
        match timeout_at(deadline, stream.next()).await {
            Err(_) => {
                let words = format!("the body was not there within {} s", BODY_TIMEOUT.as_secs());
                let mut late = refusal(StatusCode::REQUEST_TIMEOUT, &words);
                late.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                return Err(late);
            }
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Err(_))) => return Err(refusal(StatusCode::BAD_REQUEST, "the body ended before its end")),
            Ok(Some(Ok(chunk))) => {
                if whole.len() + chunk.len() > BODY_MAX {
                    return Err(too_large());
                }
                whole.extend_from_slice(&chunk);
            }
        }
    }
}

fn too_large() -> Response {
    let words = format!("the body is larger than {BODY_MAX} bytes");
    let mut response = refusal(StatusCode::PAYLOAD_TOO_LARGE, &words);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
