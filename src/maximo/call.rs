//! A request in our own terms: paths are built from raw segments, so that no value can add one.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use url::Url;

/// RFC 3986 unreserved characters stay, everything else of a segment or value is encoded, once.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) object: String,
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// Ask with `If-None-Match` where an earlier answer had an `ETag`.
    pub(super) revalidate: bool,
}

impl Call {
    pub(super) fn new<'a>(operation: &'static str, method: Method, path: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into_iter().map(str::to_owned).collect();
        Self {
            operation,
            object: String::new(),
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            revalidate: false,
        }
    }

    pub(super) fn object(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn revalidate(mut self) -> Self {
        self.revalidate = true;
        self
    }

    /// The whole address below `base`. `Err` holds the segment that cannot be part of one.
    pub(super) fn url(&self, base: &Url) -> Result<Url, String> {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut url = base.clone();
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            // "." and ".." would be taken as steps by every URL parser on the way
            if segment.is_empty() || segment == "." || segment == ".." {
                return Err(segment.clone());
            }
            path.push('/');
            path.push_str(&encode(segment));
        }
        url.set_path(&path);
        if !self.query.is_empty() {
            let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
            url.set_query(Some(&query.join("&")));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_is_one_segment_and_one_query_value_whatever_it_holds(
            segment in prop_oneof!["\\PC{0,30}", "[./%\\\\?#;&=+\r\n\0\"' ]{0,12}", any::<String>()],
            value in prop_oneof!["[&=%+#\r\n\0\"]{0,12}", any::<String>()],
        ) {
            let base: Url = "https://manage.example:9443/prefix/".parse().unwrap();
            let call = Call::new("getAlert", Method::GET, ["api", &segment, "end"]).query("filter", value.clone()).query("limit", "1");
            let Ok(url) = call.url(&base) else {
                prop_assert!(matches!(segment.as_str(), "" | "." | ".."));
                return Ok(());
            };
            prop_assert_eq!(url.origin(), base.origin());
            prop_assert!(url.fragment().is_none() && url.username().is_empty());
            prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            // through a parser, as every proxy on the way reads it
            let again: Url = url.as_str().parse().unwrap();
            prop_assert_eq!(&again, &url);
            let segments: Vec<String> = again
                .path_segments()
                .unwrap()
                .map(|one| percent_encoding::percent_decode_str(one).decode_utf8().unwrap().into_owned())
                .collect();
            prop_assert_eq!(segments, ["prefix", "api", &segment, "end"]);
            let pairs: Vec<(String, String)> = again.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, [("filter".to_owned(), value), ("limit".to_owned(), "1".to_owned())]);
        }
    }
}
