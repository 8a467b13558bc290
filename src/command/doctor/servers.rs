//! The two servers: credential and its age, TLS, reachability, what the key may read. Nothing is changed there.

use jiff::Zoned;

use super::super::context::Context;
use super::super::session::{manage_client, monitor_endpoint, telemetry};
use super::super::{Exit, Failure};
use super::Checks;
use crate::config::{DeviceTypes, KeyAge};
use crate::domain::AlertState;
use crate::maximo::{self, AlertQuery, Limits, MonitorClient, Telemetry};

/// An asset that nobody has: the answer is short, and it says whether the key may ask.
const NO_ASSET: &str = "NIGHTDESK-DOCTOR";

/// Looks at both.
pub(in crate::command) async fn servers(context: &Context, checks: &mut Checks) {
    let (config, profile) = (&context.config, &context.profile);
    // the calls are recorded where the state folder can be written; that it cannot is said elsewhere
    let telemetry = telemetry(config).unwrap_or_else(|_| Telemetry::new(maximo::Caller::default()));
    age(checks, "Monitor key", profile.monitor.key_created, context);
    match monitor_endpoint(&profile.monitor, &config.env).await {
        Err(failure) => checks.fail("Monitor credential", &failure),
        Ok(endpoint) => {
            checks.ok(
                "Monitor credential",
                format!("read ({})", profile.monitor.auth.credential().label()),
            );
            match MonitorClient::new(endpoint, telemetry.clone()) {
                Err(error) => checks.fail("Monitor", &error.into()),
                Ok(client) => monitor(context, &client.interactive(), checks).await,
            }
        }
    }
    match &profile.manage {
        None => checks.warn(
            "Manage",
            format!(
                "not configured: no work orders; add [profiles.{}.manage] to have them",
                profile.name
            ),
        ),
        Some(manage) => {
            age(checks, "Manage key", manage.key_created, context);
            match manage_client(manage, &config.env, Limits::within(profile.request_timeout), &telemetry).await {
                Err(failure) => checks.fail("Manage credential", &failure),
                Ok(client) => {
                    checks.ok("Manage credential", format!("read ({})", manage.key.label()));
                    let client = client.interactive();
                    let orders = client.open_orders(NO_ASSET, &profile.work_order.siteid).await;
                    let reached = server(
                        checks,
                        "Manage",
                        manage.url.as_str(),
                        "work orders can be read",
                        orders.map(|_| None),
                    );
                    if reached && profile.assets.is_some() {
                        let assets = client.find_asset(NO_ASSET, &profile.work_order.siteid).await;
                        permission(checks, "Manage assets", "assets can be read", assets.map(|_| None));
                    }
                }
            }
        }
    }
}

async fn monitor(context: &Context, client: &MonitorClient, checks: &mut Checks) {
    let profile = &context.profile;
    let query = AlertQuery {
        states: vec![AlertState::New],
        ..AlertQuery::default()
    };
    let alerts = client.alerts(&query).await.map(|listing| match listing.skipped {
        0 => None,
        skipped => Some(format!("{skipped} alerts do not fit the contract and are left out")),
    });
    if !server(checks, "Monitor", profile.monitor.url.as_str(), "alerts can be read", alerts) {
        return;
    }
    let types = client.device_types().await;
    match types {
        Err(error) => permission(checks, "Monitor devices", "", Err(error)),
        Ok(known) => {
            let unknown: Vec<String> = match &profile.device_types {
                DeviceTypes::All => Vec::new(),
                DeviceTypes::Listed(listed) => listed
                    .iter()
                    .filter(|one| !known.contains(*one))
                    .map(|one| one.shown().to_owned())
                    .collect(),
            };
            if unknown.is_empty() {
                checks.ok("Monitor devices", format!("devices can be read, {} types", known.len()));
            } else {
                checks.warn(
                    "Monitor devices",
                    format!(
                        "no device is of the type {}: correct device_types, or leave it out until there is one",
                        unknown.join(", ")
                    ),
                );
            }
        }
    }
}

/// Reachability, TLS and permission, from one call. Answers whether all is well.
fn server(checks: &mut Checks, name: &str, url: &str, may: &str, result: Result<Option<String>, maximo::Error>) -> bool {
    let reached = format!("{name} reachable");
    let tls = |checks: &mut Checks| checks.ok(format!("{name} TLS"), "1.2 or later, the certificate is trusted");
    match &result {
        Err(error) => match Exit::from(error) {
            Exit::Credentials | Exit::Refused => {
                checks.ok(reached, url);
                tls(checks);
                permission(checks, &format!("{name} permission"), may, result);
                false
            }
            Exit::Tls => {
                checks.fail(format!("{name} TLS"), &failure(result));
                false
            }
            _ => {
                checks.fail(reached, &failure(result));
                false
            }
        },
        Ok(_) => {
            checks.ok(reached, url);
            tls(checks);
            permission(checks, &format!("{name} permission"), may, result);
            true
        }
    }
}

fn permission(checks: &mut Checks, subject: &str, may: &str, result: Result<Option<String>, maximo::Error>) {
    match result {
        Ok(None) => checks.ok(subject, may),
        Ok(Some(remark)) => checks.warn(subject, remark),
        Err(error) => checks.fail(subject, &error.into()),
    }
}

fn failure(result: Result<Option<String>, maximo::Error>) -> Failure {
    match result {
        Err(error) => error.into(),
        Ok(_) => Failure::new(Exit::Bug, String::new()),
    }
}

fn age(checks: &mut Checks, name: &str, created: Option<jiff::civil::Date>, context: &Context) {
    let today = Zoned::new(context.now, context.profile.time_zone.clone()).date();
    match created {
        None => checks.warn(name, "its age is not known: set key_created to be reminded of the rotation"),
        // a day of grace: it may be tomorrow already where the key was made
        Some(created) if created > today.saturating_add(jiff::Span::new().days(1)) => {
            checks.warn(
                name,
                format!("key_created is {created}, a day to come: set the day on which the key was made"),
            );
        }
        Some(created) => match KeyAge::on(today, created).sentence() {
            None => checks.ok(name, format!("made on {created}")),
            Some(sentence) => checks.warn(name, format!("made on {created}: {sentence}")),
        },
    }
}
