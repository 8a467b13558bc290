//! One site: its servers and the rules of its work orders.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::bridge::{Assets, Erp, Lake, Rule};
use super::section::Section;
use super::{Links, Manage, Monitor};
use crate::domain::{DeviceType, PriorityMap, Service, WorkOrderDefaults};

/// `[profiles.NAME]`
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name in the file.
    pub name: String,
    /// The plant, as it is shown; the profile's name in capitals where the file does not say.
    pub site: String,
    /// Which device types to read.
    pub device_types: DeviceTypes,
    /// For times that people read and write.
    pub time_zone: TimeZone,
    /// In which the days of the lake and the ERP begin and end; UTC where the file does not say.
    pub day_zone: TimeZone,
    /// Maximo Monitor.
    pub monitor: Monitor,
    /// Maximo Manage; without it there are no work orders.
    pub manage: Option<Manage>,
    /// Defaults of new work orders.
    pub work_order: WorkOrderDefaults,
    /// Addresses of alerts, devices and work orders.
    pub links: Links,
    /// How often to read.
    pub refresh: Refresh,
    /// How long a request may take. What has no answer by then may have arrived, and is looked up before it is sent again.
    pub request_timeout: Duration,
    /// The ERP sync of the bridge.
    pub erp: Option<Erp>,
    /// The data lake of the bridge.
    pub lake: Option<Lake>,
    /// The asset sync of the bridge.
    pub assets: Option<Assets>,
    /// The rules of the bridge.
    pub rules: Vec<Rule>,
}

/// Which device types to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceTypes {
    /// `["*"]`: as the server lists them.
    All,
    /// These.
    Listed(Vec<DeviceType>),
}

/// `[profiles.*.refresh]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The alert queue.
    pub alerts: Duration,
    /// The device list.
    pub devices: Duration,
    /// The metrics in view.
    pub metrics: Duration,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            alerts: Duration::from_secs(5),
            devices: Duration::from_secs(60),
            metrics: Duration::from_secs(30),
        }
    }
}

/// Shortest refresh: below it a console is a load test.
const REFRESH_MIN: Duration = Duration::from_secs(1);
/// Longest refresh: above it the data is of yesterday.
const REFRESH_MAX: Duration = Duration::from_secs(24 * 3600);

/// A request may take so long where the file does not say.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Shortest: a server that only thinks for a moment must not be taken for one that lost the request.
const REQUEST_TIMEOUT_MIN: Duration = Duration::from_secs(5);
/// Longest: so long an operator would wait to be told that a request is in doubt.
const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);

impl Profile {
    /// When the keys of its servers were made, where `key_created` says so.
    pub fn keys(&self) -> Vec<(Service, Date)> {
        let manage = self.manage.as_ref().and_then(|manage| manage.key_created);
        [(Service::Monitor, self.monitor.key_created), (Service::Manage, manage)]
            .into_iter()
            .filter_map(|(service, created)| Some((service, created?)))
            .collect()
    }

    /// `None` only after a problem was noted.
    pub(super) fn read(name: &str, section: Section<'_>) -> Option<Self> {
        let site = section.string("site").unwrap_or_else(|| name.to_uppercase());
        let device_types = section.strings("device_types").map_or(DeviceTypes::All, |listed| {
            if listed.iter().any(|one| one == "*") {
                if listed.len() > 1 {
                    section.wrong("device_types", "has `*` beside others; write [\"*\"] for all, or the list alone");
                }
                DeviceTypes::All
            } else {
                if listed.is_empty() || listed.iter().any(String::is_empty) {
                    section.wrong("device_types", "is empty or has an empty name; write [\"*\"] for all types");
                }
                DeviceTypes::Listed(listed.iter().map(|one| DeviceType::new(one.as_str())).collect())
            }
        });
        let zone = |key: &str| {
            section.value(key, |value| {
                let name = super::section::text(value)?;
                TimeZone::get(name).map_err(|_| "is not a time zone's name; write one such as \"Europe/London\" or \"UTC\"".to_owned())
            })
        };
        let time_zone = zone("time_zone").unwrap_or_else(TimeZone::system);
        let day_zone = zone("day_zone").unwrap_or(TimeZone::UTC);
        if !section.has("monitor") {
            section.wrong("monitor", "is missing; add its url and key");
        }
        let monitor = section.section("monitor").and_then(Monitor::read);
        let manage = section.section("manage").and_then(Manage::read);
        let work_order = work_order(section.section("work_order"), &site);
        let refresh = section.section("refresh").map(Refresh::read).unwrap_or_default();
        let request_timeout = section.duration("request_timeout", REQUEST_TIMEOUT, REQUEST_TIMEOUT_MIN..=REQUEST_TIMEOUT_MAX);
        let erp = section.section("erp").and_then(Erp::read);
        let lake = section.section("lake").and_then(Lake::read);
        let assets = section.section("assets").map(Assets::read);
        let rules = section.list("rules").into_iter().filter_map(Rule::read).collect();
        let linked = section.section("links");
        section.finish();
        let monitor = monitor?;
        let links = Links::usual(&monitor.url, manage.as_ref().map(|manage| &manage.url)).read(linked);
        Some(Self {
            name: name.to_owned(),
            site,
            device_types,
            time_zone,
            day_zone,
            monitor,
            manage,
            work_order,
            links,
            refresh,
            request_timeout,
            erp,
            lake,
            assets,
            rules,
        })
    }
}

impl Refresh {
    fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let every = |key: &str, default: Duration| section.duration(key, default, REFRESH_MIN..=REFRESH_MAX);
        let refresh = Self {
            alerts: every("alerts", default.alerts),
            devices: every("devices", default.devices),
            metrics: every("metrics", default.metrics),
        };
        section.finish();
        refresh
    }
}

fn work_order(section: Option<Section<'_>>, site: &str) -> WorkOrderDefaults {
    let mut defaults = WorkOrderDefaults::default();
    site.clone_into(&mut defaults.siteid);
    let Some(section) = section else {
        return defaults;
    };
    // lengths as Manage has them, so that a default never makes a draft that cannot be sent
    let field = |key: &str, default: &str, max: usize| {
        section
            .value(key, |value| {
                let text = super::section::text(value)?;
                let length = text.chars().count();
                if length > max {
                    Err(format!("has {length} characters; Manage takes {max}"))
                } else {
                    Ok(text.to_owned())
                }
            })
            .unwrap_or_else(|| default.to_owned())
    };
    defaults.siteid = field("siteid", site, 8);
    defaults.worktype = field("worktype", &defaults.worktype, 5);
    defaults.reportedby = field("reportedby", &defaults.reportedby, 62);
    defaults.classificationid = field("classificationid", &defaults.classificationid, 192);
    if let Some(ranks) = section.section("priority") {
        let rank = |key: &str, default: u16| ranks.number(key, default, 0..=999);
        let PriorityMap {
            critical,
            high,
            medium,
            low,
        } = defaults.priority;
        defaults.priority = PriorityMap {
            critical: rank("critical", critical),
            high: rank("high", high),
            medium: rank("medium", medium),
            low: rank("low", low),
        };
        ranks.finish();
    }
    section.finish();
    defaults
}
