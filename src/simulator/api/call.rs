//! The road of one call: counted, delayed, checked, carried out, answered, perhaps spoilt.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::RequestExt as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{MethodFilter, any, on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::operation::Side;
use super::token::Tokens;
use super::{Answer, Operation, manage, monitor, office, readings, token};
use crate::simulator::authority::secret;
use crate::simulator::fault::{self, FaultAction, FaultEngine};
use crate::simulator::world::{Refusal, World};
use crate::simulator::{Clock, SimulateError, SimulatorConfig};

/// A request's body may have so many bytes.
const BODY_MAX: usize = 1 << 20;
/// So many requests are remembered one by one.
const RECORDS_MAX: usize = 20_000;

/// One request as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// What it asked for.
    pub operation: Operation,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// The status answered; 0 where the connection was closed instead.
    pub status: u16,
}

/// What has passed over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests by operation.
    pub requests: BTreeMap<&'static str, u64>,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answers' bodies as meant, before a fault cut them.
    pub bytes_out: u64,
    /// Calls under way.
    pub concurrent: u64,
    /// The most at once.
    pub concurrent_max: u64,
    /// TLS connections accepted.
    pub connections: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) traffic: Traffic,
    pub(crate) records: VecDeque<RequestRecord>,
}

/// What all calls share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SimulatorConfig,
    pub(crate) clock: Clock,
    pub(crate) world: Mutex<World>,
    pub(crate) faults: Mutex<FaultEngine>,
    pub(crate) latency: Mutex<Duration>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) log: Mutex<Log>,
    pub(crate) keys: Keys,
    pub(crate) base: String,
    /// When the plant began.
    pub(crate) began: Timestamp,
}

/// The credentials that are taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) monitor: String,
    pub(crate) manage: String,
    pub(crate) monitor_read_only: String,
    pub(crate) manage_read_only: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The ERP's bearer token.
    pub(crate) erp: String,
    /// User and password of the incident table, as `Basic` takes them.
    pub(crate) incidents: String,
    /// What receivers of webhooks check signatures with.
    pub(crate) webhook: String,
}

impl Keys {
    /// Those of a new plant.
    pub(crate) fn fresh() -> Result<Self, SimulateError> {
        Ok(Self {
            monitor: format!("mon-{}", secret(16)?),
            manage: format!("man-{}", secret(16)?),
            monitor_read_only: format!("mon-ro-{}", secret(16)?),
            manage_read_only: format!("man-ro-{}", secret(16)?),
            client_id: "nightdesk".into(),
            client_secret: secret(16)?,
            erp: format!("erp-{}", secret(16)?),
            incidents: STANDARD.encode(format!("nightdesk:{}", secret(12)?)),
            webhook: format!("whsec_{}", STANDARD.encode(secret(16)?)),
        })
    }
}

/// A lock that a panic of another call does not close.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request taken apart.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) now: Timestamp,
    /// The credential's name, for the ledger.
    pub(crate) key: &'static str,
}

impl Call {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A query parameter as a number in a range.
    pub(crate) fn number(&self, name: &str, default: usize, least: usize) -> Result<usize, Refusal> {
        let Some(text) = self.query(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| Refusal::bad(format!("{name} must be a whole number of at least {least}, not {text:?}")))
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, serde_json::Value>, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| Refusal::bad(format!("the body is not the JSON object that is needed: {error}")))
    }
}

/// All routes of both servers on one port.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    use Operation as Op;
    let routes: &[(&str, &[(MethodFilter, Op)])] = &[
        (
            "/api/v1/deviceTypes/{deviceType}/devices",
            &[(MethodFilter::GET, Op::ListDevices), (MethodFilter::POST, Op::CreateDevice)],
        ),
        (
            "/api/v1/deviceTypes/{deviceType}/devices/{deviceId}",
            &[(MethodFilter::PUT, Op::UpdateDeviceMetadata)],
        ),
        (
            "/api/v1/deviceTypes/{deviceType}/devices/{deviceId}/events",
            &[(MethodFilter::GET, Op::QueryEvents)],
        ),
        ("/api/v1/data/query", &[(MethodFilter::POST, Op::BulkQuery)]),
        ("/api/v1/alerts", &[(MethodFilter::GET, Op::ListAlerts)]),
        (
            "/api/v1/alerts/{alertId}",
            &[(MethodFilter::GET, Op::GetAlert), (MethodFilter::PUT, Op::AcknowledgeAlert)],
        ),
        ("/api/v1/alerts/{alertId}/resolve", &[(MethodFilter::PUT, Op::ResolveAlert)]),
        ("/v1/devices", &[(MethodFilter::GET, Op::ListDevicesFlat)]),
        ("/oauth/token", &[(MethodFilter::POST, Op::Token)]),
        ("/erp/production-reports", &[(MethodFilter::POST, Op::PostReport)]),
        ("/erp/production-reports/{line}/{date}", &[(MethodFilter::PUT, Op::PutReport)]),
        (
            "/api/now/table/incident",
            &[(MethodFilter::GET, Op::FindIncidents), (MethodFilter::POST, Op::CreateIncident)],
        ),
        (
            "/sinks/{sink}",
            &[
                (MethodFilter::POST, Op::ReceiveWebhook),
                (MethodFilter::PUT, Op::ReceiveWebhook),
                (MethodFilter::PATCH, Op::ReceiveWebhook),
            ],
        ),
    ];
    let orders = [(MethodFilter::GET, Op::FindWorkOrders), (MethodFilter::POST, Op::CreateWorkOrder)];
    let assets = [(MethodFilter::GET, Op::FindAsset), (MethodFilter::POST, Op::CreateAsset)];
    let order = [(MethodFilter::GET, Op::GetWorkOrder)];
    let asset = [(MethodFilter::GET, Op::GetAsset), (MethodFilter::POST, Op::UpdateAsset)];
    let mut all = Router::new();
    for (path, methods) in routes {
        all = mount(all, shared, path, methods);
    }
    for base in ["/maximo/oslc/os", "/maximo/api/os"] {
        for name in ["mxwo", "mxapiwodetail"] {
            all = mount(all, shared, &format!("{base}/{name}"), &orders);
            all = mount(all, shared, &format!("{base}/{name}/{{restId}}"), &order);
        }
        for name in ["mxasset", "mxapiasset"] {
            all = mount(all, shared, &format!("{base}/{name}"), &assets);
            all = mount(all, shared, &format!("{base}/{name}/{{restId}}"), &asset);
        }
    }
    let (unknown, not_allowed) = (Arc::clone(shared), Arc::clone(shared));
    all.fallback(any(move |request: Request| serve(Arc::clone(&unknown), Op::Unknown, request)))
        .method_not_allowed_fallback(move |request: Request| serve(Arc::clone(&not_allowed), Op::Unknown, request))
}

fn mount(mut router: Router, shared: &Arc<Shared>, path: &str, methods: &[(MethodFilter, Operation)]) -> Router {
    for (method, operation) in methods {
        let (shared, operation) = (Arc::clone(shared), *operation);
        router = router.route(
            path,
            on(*method, move |request: Request| serve(Arc::clone(&shared), operation, request)),
        );
    }
    router
}

/// Counts a call as under way for as long as it lives, however it ends.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: &Arc<Shared>, operation: Operation) -> Self {
        let mut log = lock(&shared.log);
        let traffic = &mut log.traffic;
        *traffic.requests.entry(operation.name()).or_default() += 1;
        traffic.concurrent += 1;
        traffic.concurrent_max = traffic.concurrent_max.max(traffic.concurrent);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.0.log).traffic.concurrent -= 1;
    }
}

async fn serve(shared: Arc<Shared>, operation: Operation, mut request: Request) -> Response {
    let _under_way = UnderWay::new(&shared, operation);
    let method = request.method().clone();
    let uri = request.uri().clone();
    let target = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let decided = lock(&shared.faults).decide(operation, method.as_str(), &target);
    let (delay, action) = decided.unwrap_or((Duration::ZERO, FaultAction::Delay));
    let params = request.extract_parts::<RawPathParams>().await;
    let params = params
        .map(|params| params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        .unwrap_or_default();
    let headers = request.headers().clone();
    let body = to_bytes(std::mem::replace(request.body_mut(), Body::empty()), BODY_MAX).await;
    let latency = *lock(&shared.latency) + delay;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if action == FaultAction::ExpireTokens {
        lock(&shared.tokens).revoke_all();
    }
    let raw_query = uri.query().unwrap_or_default().to_owned();
    let mut call = Call {
        operation,
        params,
        query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        path: uri.path().to_owned(),
        raw_query,
        headers,
        body: body.as_ref().map(Bytes::clone).unwrap_or_default(),
        now: shared.clock.now(),
        key: "",
    };
    let answer = if action.is_before() {
        Answer::empty(204)
    } else {
        let lean = manage::is_lean(&shared, &call);
        let answered = if body.is_err() {
            Err(Refusal::new(413, "too_large", format!("the body has more than {BODY_MAX} bytes")))
        } else {
            answer(&shared, &mut call, &method)
        };
        answered.unwrap_or_else(|refusal| Answer::refusal(operation, &refusal, lean))
    };
    let bytes_out = answer.body.len() as u64;
    let response = fault::apply(&action, answer);
    let hung_up = response.extensions().get::<fault::Hangup>().is_some();
    let record = RequestRecord {
        operation,
        method: method.to_string(),
        path: target,
        at: call.now,
        status: if hung_up { 0 } else { response.status().as_u16() },
    };
    let mut log = lock(&shared.log);
    log.traffic.bytes_in += call.body.len() as u64;
    log.traffic.bytes_out += bytes_out;
    if log.records.len() == RECORDS_MAX {
        log.records.pop_front();
    }
    log.records.push_back(record);
    response
}

fn answer(shared: &Shared, call: &mut Call, method: &Method) -> Result<Answer, Refusal> {
    call.key = admit(shared, call)?;
    lock(&shared.world).evolve(call.now);
    match call.operation {
        Operation::ListDevices | Operation::ListDevicesFlat => monitor::list_devices(shared, call),
        Operation::CreateDevice => monitor::create_device(shared, call),
        Operation::UpdateDeviceMetadata => monitor::update_metadata(shared, call),
        Operation::QueryEvents => readings::events(shared, call),
        Operation::BulkQuery => readings::bulk(shared, call),
        Operation::ListAlerts => monitor::list_alerts(shared, call),
        Operation::GetAlert => monitor::get_alert(shared, call),
        Operation::AcknowledgeAlert => monitor::acknowledge(shared, call),
        Operation::ResolveAlert => monitor::resolve(shared, call),
        Operation::Token => token::grant(shared, call),
        Operation::CreateWorkOrder => manage::create_order(shared, call),
        Operation::FindWorkOrders => manage::find_orders(shared, call),
        Operation::GetWorkOrder => manage::get_order(shared, call),
        Operation::FindAsset => manage::find_assets(shared, call),
        Operation::CreateAsset => manage::create_asset(shared, call),
        Operation::UpdateAsset => manage::update_asset(shared, call),
        Operation::GetAsset => manage::get_asset(shared, call),
        Operation::PutReport => office::put_report(shared, call),
        Operation::PostReport => office::post_report(shared, call),
        Operation::FindIncidents => office::find_incidents(shared, call),
        Operation::CreateIncident => office::create_incident(shared, call),
        Operation::ReceiveWebhook => office::receive(shared, call),
        Operation::Unknown => Err(Refusal::not_found(&format!("{method} {}", call.path))),
    }
}

/// Checks the credential and its rights; its name is what the ledger says.
fn admit(shared: &Shared, call: &Call) -> Result<&'static str, Refusal> {
    let keys = &shared.keys;
    let (name, may_write) = match call.operation.side() {
        Side::Token => return Ok("token"),
        Side::Erp => return office::admit_erp(shared, call),
        Side::Incidents => return office::admit_incidents(shared, call),
        // whoever knows the address; a signature is checked where there is one
        Side::Sink => return Ok("webhook"),
        Side::Manage => {
            let given = call.header("apikey").unwrap_or_default();
            let refused = || {
                Refusal::new(
                    401,
                    "BMXAA7901E",
                    "BMXAA7901E - You cannot log in at this time. The API key is not valid.",
                )
            };
            match given {
                given if given == keys.manage => ("manage-key", true),
                given if given == keys.manage_read_only => ("manage-read-only-key", false),
                _ => return Err(refused()),
            }
        }
        Side::Monitor => {
            let given = call.header("authorization").unwrap_or_default();
            let (scheme, secret) = given.split_once(' ').unwrap_or((given, ""));
            let refused = |message: &str| Refusal::new(401, "unauthorized", message);
            match scheme {
                "ApiKey" if secret == keys.monitor => ("api-key", true),
                "ApiKey" if secret == keys.monitor_read_only => ("read-only-key", false),
                "Bearer" if lock(&shared.tokens).is_valid(secret, call.now) => ("oauth2", true),
                "Bearer" => return Err(refused("the token is unknown or has expired")),
                "" => return Err(refused("no credential was given")),
                _ => return Err(refused("the API key is not valid")),
            }
        }
    };
    if call.operation.is_write() && !may_write {
        return Err(match call.operation.side() {
            // Manage says 400 where a right is missing (contract)
            Side::Manage => Refusal::new(
                400,
                "BMXAA9301E",
                "BMXAA9301E - You do not have the right to create or change this record.",
            ),
            Side::Monitor | Side::Token | Side::Erp | Side::Incidents | Side::Sink => {
                Refusal::new(403, "forbidden", "this key may only read")
            }
        });
    }
    Ok(name)
}
