//! `[profiles.*.links]`: addresses of alerts, devices and work orders, for a browser.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::section::{Section, text};

/// What an identifier may hold in an address as it is: nothing that ends a segment or begins a query.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Templates of addresses; absent where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// With `{alert}` and `{device}`.
    alert: Option<String>,
    /// With `{device}` and `{type}`.
    device: Option<String>,
    /// With `{wonum}` and `{site}`.
    work_order: Option<String>,
}

/// A key, the placeholders of which it needs the first and may have the others, and what to write.
const TEMPLATES: [(&str, &[&str], &str); 3] = [
    ("alert", &["{alert}", "{device}"], "https://monitor.example/alerts/{alert}"),
    ("device", &["{device}", "{type}"], "https://monitor.example/devices/{type}/{device}"),
    (
        "work_order",
        &["{wonum}", "{site}"],
        "https://manage.example/maximo/ui/?event=loadapp&value=wotrack&additionalevent=useqbe&additionaleventvalue=wonum={wonum}",
    ),
];

impl Links {
    /// What is usual: Monitor's pages by its address, and Manage's work order tracking opened at the order.
    pub fn usual(monitor: &Url, manage: Option<&Url>) -> Self {
        let origin = |url: &Url| url.origin().ascii_serialization();
        let monitor = origin(monitor);
        Self {
            alert: Some(format!("{monitor}/alerts/{{alert}}")),
            device: Some(format!("{monitor}/devices/{{type}}/{{device}}")),
            work_order: manage.map(|manage| {
                format!(
                    "{}/maximo/ui/?event=loadapp&value=wotrack&additionalevent=useqbe&additionaleventvalue=wonum={{wonum}}",
                    origin(manage)
                )
            }),
        }
    }

    /// The usual ones with what the file says; an empty template takes one away.
    pub(super) fn read(self, section: Option<Section<'_>>) -> Self {
        let Some(section) = section else { return self };
        let mut read = self;
        for (key, placeholders, example) in TEMPLATES {
            let template = section.value(key, |value| {
                let template = text(value)?.trim();
                if template.is_empty() {
                    return Ok(None);
                }
                check(template, placeholders).map_err(|why| format!("{why}; write an address such as \"{example}\""))?;
                Ok(Some(template.to_owned()))
            });
            if let Some(template) = template {
                match key {
                    "alert" => read.alert = template,
                    "device" => read.device = template,
                    _ => read.work_order = template,
                }
            }
        }
        section.finish();
        read
    }

    /// An alert's page.
    pub fn alert(&self, alert: &str, device: &str) -> Option<String> {
        Some(fill(self.alert.as_ref()?, &[("{alert}", alert), ("{device}", device)]))
    }

    /// A device's page.
    pub fn device(&self, device_type: &str, device: &str) -> Option<String> {
        Some(fill(self.device.as_ref()?, &[("{type}", device_type), ("{device}", device)]))
    }

    /// A work order's page.
    pub fn work_order(&self, number: &str, site: &str) -> Option<String> {
        Some(fill(self.work_order.as_ref()?, &[("{wonum}", number), ("{site}", site)]))
    }
}

fn check(template: &str, placeholders: &[&str]) -> Result<(), String> {
    if let Some(needed) = placeholders.first().filter(|needed| !template.contains(**needed)) {
        return Err(format!("has no {needed}"));
    }
    let mut filled = template.to_owned();
    for placeholder in placeholders {
        filled = filled.replace(placeholder, "x");
    }
    if let Some((_, rest)) = filled.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(format!(
            "has {{{name}}}, which stands for nothing: there is {}",
            placeholders.join(", ")
        ));
    }
    match Url::parse(&filled) {
        Ok(url) if url.scheme() == "https" && filled.chars().all(|char| char.is_ascii_graphic()) => Ok(()),
        _ => Err("is not an https address".into()),
    }
}

/// What a server calls its things is never more than a part of a path or a query.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match values
            .iter()
            .find_map(|(name, value)| from.strip_prefix(name).map(|after| (after, value)))
        {
            Some((after, value)) => {
                out.extend(utf8_percent_encode(value, KEPT));
                rest = after;
            }
            None => {
                out.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Links {
        let url = |text: &str| Url::parse(text).unwrap();
        Links::usual(&url("https://monitor.example:8443/api"), Some(&url("https://manage.example/x")))
    }

    #[test]
    fn the_usual_addresses_hold_nothing_of_a_hostile_name() {
        let links = usual();
        assert_eq!(
            links.alert("a/../b?x=1#\u{1b}]8;;\u{7}{device}", "P").unwrap(),
            "https://monitor.example:8443/alerts/a%2F..%2Fb%3Fx%3D1%23%1B%5D8%3B%3B%07%7Bdevice%7D"
        );
        assert_eq!(
            links.device("Pump Station", "PUMP-017").unwrap(),
            "https://monitor.example:8443/devices/Pump%20Station/PUMP-017"
        );
        assert_eq!(
            links.work_order("10&43", "BEDFORD").unwrap(),
            "https://manage.example/maximo/ui/?event=loadapp&value=wotrack&additionalevent=useqbe&additionaleventvalue=wonum=10%2643"
        );
        let without = Links::usual(&Url::parse("https://m").unwrap(), None);
        assert_eq!(without.work_order("1", "B"), None);
    }

    #[test]
    fn templates_are_checked() {
        let names: &[&str] = &["{wonum}", "{site}"];
        assert_eq!(check("https://m/{site}/{wonum}", names), Ok(()));
        for (template, why) in [
            ("https://m/orders", "has no {wonum}"),
            (
                "https://m/{wonum}/{asset}",
                "has {asset}, which stands for nothing: there is {wonum}, {site}",
            ),
            ("http://m/{wonum}", "is not an https address"),
            ("https://m/{wonum} x", "is not an https address"),
            ("javascript:{wonum}", "is not an https address"),
        ] {
            assert_eq!(check(template, names), Err(why.to_owned()), "{template}");
        }
    }
}
