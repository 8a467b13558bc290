//! The headers of a webhook's own.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::reader::{Object, Reader};

impl<'a> Reader<'a> {
    pub(super) fn headers(&self, webhook: &Object<'a>) -> HeaderMap {
        // what the connection itself says, and what we sign with
        const OURS: [&str; 9] = [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "referer",
            "expect",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ];
        let mut headers = HeaderMap::new();
        let Some(object) = webhook.get("headers").and_then(|raw| self.any_object(raw, "webhook.headers")) else {
            return headers;
        };
        for (name, _) in &object.members {
            let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
                self.note(&object, name, "is not a header's name");
                continue;
            };
            if OURS.contains(&header.as_str()) {
                self.note(&object, name, "is set by nightdesk; leave it out");
                continue;
            }
            let Some(written) = self.text(&object, name) else { continue };
            if written.chars().any(char::is_control) {
                self.note(
                    &object,
                    name,
                    "holds a line break or another control character, with which it could begin a header of its own",
                );
                continue;
            }
            let Some(filled) = self.secret(&written, &object, name) else {
                continue;
            };
            match HeaderValue::from_str(filled.trim_end_matches(['\r', '\n'])) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.insert(header, value);
                }
                Err(_) => self.note(
                    &object,
                    name,
                    "holds, after filling in, a line break or a character that no header may have",
                ),
            }
        }
        headers
    }
}
