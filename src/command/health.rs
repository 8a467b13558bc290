//! How a profile's calls go: the record of them, as the console shows it.

use jiff::{SignedDuration, Timestamp};

use super::session::Clients;
use crate::config::{MonitorAuth, Profile};
use crate::domain::{SafeText, Service};
use crate::maximo::{CallRecord, Caller, OperationStats, Telemetry};
use crate::model::{ApiHealth, CallFigures, CallLine, Credential, ServerHealth};

/// What is known of the calls of these clients.
pub(super) async fn health(clients: &Clients, profile: &Profile) -> ApiHealth {
    let telemetry = &clients.telemetry;
    let monitor = match profile.monitor.auth {
        MonitorAuth::ApiKey(_) => Credential::Key(profile.monitor.key_created),
        MonitorAuth::OAuth2 { .. } => {
            let left = clients.monitor.token_remaining().await;
            Credential::Token(left.and_then(|left| Timestamp::now().checked_add(SignedDuration::try_from(left).ok()?).ok()))
        }
    };
    let mut servers = vec![server(telemetry, Service::Monitor, clients.monitor.is_resting(), monitor)];
    if let (Some(manage), Some(section)) = (&clients.manage, &profile.manage) {
        let key = Credential::Key(section.key_created);
        servers.push(server(telemetry, Service::Manage, manage.is_resting(), key));
    }
    ApiHealth {
        who: who(telemetry.caller()),
        servers,
        calls: telemetry.calls().into_iter().map(line).collect(),
    }
}

fn server(telemetry: &Telemetry, service: Service, resting: bool, credential: Credential) -> ServerHealth {
    let stats = telemetry.stats().into_iter().filter(|(of, _, _)| *of == service);
    ServerHealth {
        service,
        resting,
        credential,
        all: figures(&telemetry.total(service)),
        operations: stats.map(|(_, operation, stats)| (operation, figures(&stats))).collect(),
    }
}

fn figures(stats: &OperationStats) -> CallFigures {
    CallFigures {
        calls: stats.calls,
        errors: stats.errors,
        retries: stats.retries,
        p50_millis: stats.p50_millis,
        p95_millis: stats.p95_millis,
        last_success: stats.last_success,
    }
}

fn line(call: CallRecord) -> CallLine {
    CallLine {
        id: call.id,
        at: call.at,
        service: call.service,
        operation: call.operation,
        object: SafeText::new(call.object),
        status: call.status,
        outcome: call.outcome,
        attempt: call.attempt,
        millis: call.millis,
    }
}

fn who(caller: &Caller) -> SafeText {
    let from = caller
        .ssh_client
        .as_ref()
        .map_or_else(String::new, |address| format!(" from {address}"));
    SafeText::new(format!("{} ({}{from})", caller.operator, caller.os_user))
}
