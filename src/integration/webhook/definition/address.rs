//! Where a webhook's messages go, and by which method.

use reqwest::Method;
use url::Url;

use super::reader::{Object, Reader};

impl<'a> Reader<'a> {
    pub(super) fn url(&self, webhook: &Object<'a>) -> Option<Url> {
        let written = self.required_text(webhook, "url")?;
        let filled = self.secret(&written, webhook, "url")?;
        let place = webhook.get("url").unwrap_or(webhook.at);
        let key = webhook.key("url");
        match Url::parse(filled.trim()) {
            Ok(url) if url.scheme() == "https" && url.host_str().is_some() => {
                if !url.username().is_empty() || url.password().is_some() {
                    self.places
                        .wrong(place, &key, "holds a user name or password; write them as ${NAME} into a header");
                    return None;
                }
                if url.fragment().is_some() {
                    self.places.wrong(place, &key, "has a `#`; write the address without it");
                    return None;
                }
                Some(url)
            }
            Ok(url) if url.scheme() == "http" => {
                self.places.insecure(
                    place,
                    &key,
                    "`http://` is refused: secrets and alerts would travel in clear text; write https://",
                );
                None
            }
            Ok(_) | Err(_) => {
                // not the text itself: it may hold a secret
                self.places.wrong(place, &key, "is not an https address; write https://host/path");
                None
            }
        }
    }

    pub(super) fn method(&self, webhook: &Object<'a>) -> Method {
        let Some(word) = self.text(webhook, "method") else {
            return Method::POST;
        };
        match word.as_str() {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            _ => {
                self.note(webhook, "method", "is none of POST, PUT, PATCH");
                Method::POST
            }
        }
    }
}
