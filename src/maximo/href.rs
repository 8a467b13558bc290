//! Links that a server gives: followed only where they lead to the configured place.

use url::Url;

use crate::domain::SafeText;

/// The path of a server-given link, in segments below `base`: `below` and one id. Where it leads to another place than the configured
/// one it is rebuilt from its last segment, so that no request and no credential ever goes anywhere else. `None` where it names no id.
pub(super) fn own_path(base: &Url, below: &[String], href: &str) -> Option<Vec<String>> {
    // joined with nothing, the base itself would pass for a link
    let link = base.join(Some(href.trim()).filter(|href| !href.is_empty())?).ok()?;
    let segments = |url: &Url| -> Option<Vec<String>> {
        let decode = |segment: &str| Some(percent_encoding::percent_decode_str(segment).decode_utf8().ok()?.into_owned());
        url.path_segments()?.filter(|segment| !segment.is_empty()).map(decode).collect()
    };
    let path = segments(&link)?;
    let id = path.last().filter(|id| below.last() != Some(*id))?.clone();
    let mut prefix = segments(base)?;
    prefix.extend(below.iter().cloned());
    let same_place = link.origin() == base.origin() && path.len() == prefix.len() + 1 && path.starts_with(&prefix);
    if !same_place {
        tracing::warn!(link = %SafeText::new(href), "Manage gave a link to another place; it is rebuilt from its id");
    }
    Some(below.iter().cloned().chain([id]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::maximo::call::Call;

    fn base() -> Url {
        "https://manage.example:9443/prefix".parse().unwrap()
    }

    fn below() -> Vec<String> {
        ["maximo", "oslc", "os", "mxasset"].map(str::to_owned).to_vec()
    }

    /// Where a call to the link would go.
    fn address(href: &str) -> Option<Url> {
        let path = own_path(&base(), &below(), href)?;
        Call::new("updateAsset", reqwest::Method::POST, path.iter().map(String::as_str))
            .url(&base())
            .ok()
    }

    #[test]
    fn a_link_leads_to_the_configured_place_or_nowhere() {
        let ours = "https://manage.example:9443/prefix/maximo/oslc/os/mxasset/_QkVE";
        for href in [
            ours,
            "/prefix/maximo/oslc/os/mxasset/_QkVE",
            "https://evil.example/prefix/maximo/oslc/os/mxasset/_QkVE",
            "//evil.example/_QkVE",
            "http://manage.example:9443/prefix/maximo/oslc/os/mxasset/_QkVE",
            "https://manage.example:9444/prefix/maximo/oslc/os/mxasset/_QkVE",
            "https://user:pass@manage.example:9443/other/_QkVE?x=1#y",
            "https://manage.example:9443/prefix/maximo/oslc/os/mxasset/../../../../admin/_QkVE",
        ] {
            assert_eq!(address(href).unwrap().as_str(), ours, "{href}");
        }
        for href in ["", "/prefix/maximo/oslc/os/mxasset", "https://[", "data:text/plain,x", "mailto:a@b"] {
            assert_eq!(address(href), None, "{href}");
        }
        // an id with encoded slashes and dots stays one segment
        assert_eq!(
            address("https://evil.example/a%2F..%2Fadmin%3Fx").unwrap().as_str(),
            "https://manage.example:9443/prefix/maximo/oslc/os/mxasset/a%2F..%2Fadmin%3Fx"
        );
        assert_eq!(address("https://evil.example/%2e%2e"), None);
    }

    proptest! {
        #[test]
        fn whatever_the_link_says_it_stays_below_the_configured_path(href in "(https?:)?(//[a-z.:@]{0,12})?(/[\\PC]{0,8}|/%2[eEfF0]){0,6}[?#]?\\PC{0,5}") {
            if let Some(url) = address(&href) {
                prop_assert_eq!(url.origin(), base().origin());
                prop_assert!(url.path().starts_with("/prefix/maximo/oslc/os/mxasset/"), "{url}");
                prop_assert_eq!(url.path_segments().unwrap().count(), 6);
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
