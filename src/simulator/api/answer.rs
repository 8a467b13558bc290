//! An answer before it is sent.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::operation::{Operation, Side};
use crate::simulator::world::Refusal;

/// Status, headers and body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self {
                status,
                headers: vec![("content-type", "application/json".into())],
                body: bytes.into(),
            },
            Err(error) => Self {
                status: 500,
                headers: Vec::new(),
                body: error.to_string().into(),
            },
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Monitor's error body.
    pub(crate) fn monitor_error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "error": { "code": code, "message": message } }))
    }

    /// Manage's error body; not lean, its names carry a prefix.
    pub(crate) fn manage_error(status: u16, reason_code: &str, message: &str, lean: bool) -> Self {
        let body: Value = if lean {
            json!({ "Error": { "reasonCode": reason_code, "message": message, "statusCode": status.to_string() } })
        } else {
            json!({ "oslc:Error": { "spi:reasonCode": reason_code, "oslc:message": message, "oslc:statusCode": status.to_string() } })
        };
        Self::json(status, &body)
    }

    pub(crate) fn refusal(operation: Operation, refusal: &Refusal, lean: bool) -> Self {
        match operation.side() {
            Side::Manage => Self::manage_error(refusal.status, refusal.code, &refusal.message, lean),
            Side::Monitor | Side::Erp | Side::Sink => Self::monitor_error(refusal.status, refusal.code, &refusal.message),
            Side::Incidents => Self::json(
                refusal.status,
                &json!({ "error": { "message": refusal.message, "detail": null }, "status": "failure" }),
            ),
            Side::Token => Self::json(
                refusal.status,
                &json!({ "error": refusal.code, "error_description": refusal.message }),
            ),
        }
    }
}
