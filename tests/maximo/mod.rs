//! The client against a server that says exactly what a test tells it.

mod credentials;
mod delivery;
mod gather;
mod guards;
mod lists;
mod orders;
mod reads;
pub mod server;

use std::time::Duration;

use nightdesk::domain::Service;
use nightdesk::maximo::{Auth, Caller, Endpoint, Limits, ManageClient, ManagePaths, MonitorClient, Telemetry};
use server::Server;

pub const CANARY: &str = "canary-7f3a-secret";

fn limits() -> Limits {
    Limits {
        idle: Duration::from_secs(20),
        ..Limits::default()
    }
}

pub fn endpoint(server: &Server, service: Service, auth: Auth) -> Endpoint {
    Endpoint {
        service,
        base: server.url.clone(),
        ca_pem: Some(server.ca_pem.clone()),
        auth,
        limits: limits(),
    }
}

pub fn telemetry() -> Telemetry {
    Telemetry::new(Caller {
        operator: "operator1".into(),
        os_user: "night".into(),
        ssh_client: None,
    })
}

pub fn monitor(server: &Server) -> MonitorClient {
    MonitorClient::new(endpoint(server, Service::Monitor, Auth::ApiKey(CANARY.into())), telemetry()).unwrap()
}

pub fn manage(server: &Server) -> ManageClient {
    ManageClient::new(
        endpoint(server, Service::Manage, Auth::ManageKey(CANARY.into())),
        ManagePaths::default(),
        telemetry(),
    )
    .unwrap()
}

pub fn alert_json(id: &str, status: &str, extra: &str) -> String {
    format!(
        r#"{{"alertId":"{id}","alertName":"Bearing temperature high","deviceId":"PUMP-017","severity":"critical","status":"{status}","timestamp":"2026-02-19T02:13:00Z"{extra}}}"#
    )
}
