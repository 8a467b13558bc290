//! What is served: routes, who may use them, and what they answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use super::answer::{body, document, refusal, with_type};
use super::cache::{Aged, Cache, Nothing, Patience};
use super::facility::{Efficiency, FacilityStatus, Period, read_efficiency, read_status};
use super::inbound::{self, Asked, InboundMode, Secrets};
use super::{ApiKeys, Counts as Went, Traffic, metrics, page, query};
use crate::domain::Service;
use crate::integration::{Board, Ground, Health, JobErrorKind, JobState, Part, WallClock};
use crate::maximo::{OperationStats, Pulse};
use crate::outbox::{Counts, Lane};

/// A facility's figures change with every device; an older answer than this is read anew.
const STATUS: Patience = Patience {
    fresh: Duration::from_secs(15),
    with_old: Duration::from_secs(3),
    without: Duration::from_secs(25),
};
/// A report reads many rows, and those of past days no longer change.
const REPORT: Patience = Patience {
    fresh: Duration::from_secs(300),
    with_old: Duration::from_secs(3),
    without: Duration::from_secs(25),
};
/// Reports that are read at once.
const REPORTS_MAX: usize = 2;
/// Longest id of a facility, in characters.
const FACILITY_MAX: usize = 200;

const OPENAPI: &str = include_str!("openapi.json");

/// What is switched on behind the door.
#[derive(Debug)]
pub struct EdgeSettings {
    /// Who may ask the facility API; `None` switches it off.
    pub api_keys: Option<ApiKeys>,
    /// Who may send webhooks, and how they sign; `None` switches them off.
    pub inbound: Option<(InboundMode, Secrets)>,
}

/// Everything that the routes need. Clones share it.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    ground: Ground,
    board: Board,
    traffic: Traffic,
    clock: WallClock,
    started: Timestamp,
    settings: EdgeSettings,
    status: Cache<String, FacilityStatus>,
    reports: Cache<Period, Efficiency>,
    reading: Arc<tokio::sync::Semaphore>,
    /// Inbound webhooks are looked up and committed one at a time.
    inbound: tokio::sync::Mutex<()>,
}

/// All figures at one moment.
pub(super) struct View {
    pub(super) now: Timestamp,
    pub(super) started: Timestamp,
    pub(super) profile: String,
    pub(super) site: String,
    pub(super) parts: Vec<(Part, Health)>,
    pub(super) jobs: Vec<(String, JobState)>,
    pub(super) counts: Option<Counts>,
    pub(super) oldest_open: Option<Timestamp>,
    pub(super) lanes: Vec<Lane>,
    pub(super) pulses: Vec<(Service, Pulse)>,
    pub(super) calls: Vec<(Service, &'static str, OperationStats)>,
    pub(super) keys: Vec<(Service, Timestamp)>,
    pub(super) lost_lines: u64,
    pub(super) traffic: Went,
}

impl Edge {
    /// Joins what is switched on.
    pub fn new(ground: Ground, board: Board, traffic: Traffic, clock: WallClock, settings: EdgeSettings) -> Self {
        if settings.api_keys.is_some() {
            ground.parts.enable(Part::Facility);
        }
        if settings.inbound.is_some() {
            ground.parts.enable(Part::Inbound);
        }
        Self(Arc::new(Inner {
            status: Cache::new(STATUS, clock.clone()),
            reports: Cache::new(REPORT, clock.clone()),
            reading: Arc::new(tokio::sync::Semaphore::new(REPORTS_MAX)),
            inbound: tokio::sync::Mutex::default(),
            started: clock.now(),
            ground,
            board,
            traffic,
            clock,
            settings,
        }))
    }

    async fn view(&self) -> View {
        let Inner {
            ground,
            board,
            traffic,
            clock,
            started,
            ..
        } = &*self.0;
        let logged = |what: &'static str| move |error: &crate::outbox::OutboxError| tracing::warn!(%error, "{what} could not be read");
        let zone = &ground.profile.time_zone;
        // a folder is no link
        let lake = ground.profile.lake.as_ref().and_then(|lake| lake.endpoint.as_ref());
        let created = [
            (Service::Monitor, ground.profile.monitor.key_created),
            (
                Service::Manage,
                ground.profile.manage.as_ref().and_then(|manage| manage.key_created),
            ),
        ];
        View {
            now: clock.now(),
            started: *started,
            profile: ground.profile.name.clone(),
            site: ground.profile.site.clone(),
            parts: ground.parts.all(),
            jobs: board.all(),
            counts: ground.outbox.counts().await.inspect_err(logged("the outbox's counts")).ok(),
            oldest_open: ground
                .outbox
                .oldest_open()
                .await
                .inspect_err(logged("the oldest row"))
                .ok()
                .flatten(),
            lanes: ground.outbox.lanes().await.inspect_err(logged("the queues")).unwrap_or_default(),
            pulses: Service::ALL
                .into_iter()
                .filter(|service| ground.target(*service).is_some())
                .chain(lake.map(|_| Service::Lake))
                .map(|service| (service, ground.telemetry.pulse(service).borrow().clone()))
                .collect(),
            calls: ground.telemetry.stats(),
            keys: created
                .into_iter()
                .filter_map(|(service, created)| Some((service, created?.to_zoned(zone.clone()).ok()?.timestamp())))
                .collect(),
            lost_lines: ground.telemetry.log_lines_lost(),
            traffic: traffic.counts(),
        }
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Edge")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// The routes. What is switched off is not there.
pub fn router(edge: Edge) -> Router {
    let mut router = Router::new()
        .route("/", get(status_page))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .route(
            "/openapi.json",
            get(|| async { with_type(StatusCode::OK, "application/json", OPENAPI) }),
        );
    if edge.0.settings.api_keys.is_some() {
        let guarded = Router::new()
            .route("/api/facility/{facility_id}/status", get(facility_status))
            .route("/api/reports/efficiency", get(efficiency))
            .route_layer(middleware::from_fn_with_state(edge.clone(), guard));
        router = router.merge(guarded);
    }
    if edge.0.settings.inbound.is_some() {
        router = router.route("/webhook/inbound", post(webhook));
    }
    router
        .method_not_allowed_fallback(|| async { refusal(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method") })
        .fallback(|| async {
            refusal(
                StatusCode::NOT_FOUND,
                "there is nothing at this path; /openapi.json lists what there is",
            )
        })
        .layer(middleware::from_fn_with_state(edge.clone(), count))
        .with_state(edge)
}

/// Counts answers by route, and sets the headers that all of them have.
async fn count(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let route = route_of(request.uri().path());
    let began = Instant::now();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    edge.0.traffic.answered(route, response.status().as_u16(), began.elapsed());
    response
}

/// The route's pattern, never the path: what strangers ask for makes no new series of figures.
fn route_of(path: &str) -> &'static str {
    match path {
        "/" => "/",
        "/healthz" => "/healthz",
        "/readyz" => "/readyz",
        "/metrics" => "/metrics",
        "/openapi.json" => "/openapi.json",
        "/api/reports/efficiency" => "/api/reports/efficiency",
        "/webhook/inbound" => "/webhook/inbound",
        path if path.starts_with("/api/facility/") => "/api/facility/{facility_id}/status",
        _ => "other",
    }
}

/// Lets callers with a key pass.
async fn guard(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let Some(keys) = &edge.0.settings.api_keys else {
        return refusal(StatusCode::NOT_FOUND, "the facility API is switched off");
    };
    if keys.caller(request.headers()).is_some() {
        return next.run(request).await;
    }
    let words = if super::access::presented(request.headers()).is_some() {
        "the API key is not known here"
    } else {
        "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"
    };
    let mut response = refusal(StatusCode::UNAUTHORIZED, words);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    edge.0.ground.parts.count(Part::Facility, "unauthorized", 1);
    response
}

async fn alive() -> Response {
    document(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Ready is who can keep what is sent to it: the outbox takes rows. Whether Maximo can be reached is another matter.
async fn ready(State(edge): State<Edge>) -> Response {
    match edge.0.ground.outbox.counts().await {
        Ok(counts) => document(StatusCode::OK, &json!({ "status": "ready", "open": counts.open() })),
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

async fn figures(State(edge): State<Edge>) -> Response {
    let text = metrics::text(&edge.view().await);
    with_type(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
}

async fn status_page(State(edge): State<Edge>) -> Response {
    let view = edge.view().await;
    let mut response = with_type(
        StatusCode::OK,
        "text/html; charset=utf-8",
        page::html(&view, &edge.0.ground.profile.time_zone),
    );
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

async fn facility_status(State(edge): State<Edge>, path: Result<Path<String>, PathRejection>) -> Response {
    let facility = match path {
        Ok(Path(facility)) if facility.chars().count() <= FACILITY_MAX && !facility.chars().any(char::is_control) => facility,
        Ok(_) => {
            let words = format!("the facility's id has more than {FACILITY_MAX} characters, or control characters");
            return refusal(StatusCode::BAD_REQUEST, &words);
        }
        Err(_) => return refusal(StatusCode::BAD_REQUEST, "the facility's id is not UTF-8 text"),
    };
    let ground = edge.0.ground.clone();
    let read = {
        let facility = facility.clone();
        move || async move { read_status(&ground, facility).await }
    };
    tell(&edge, edge.0.status.get(&facility, read)).await
}

async fn efficiency(State(edge): State<Edge>, request: Request) -> Response {
    let period = match query::period(request.uri().query()) {
        Ok(period) => period,
        Err(words) => return refusal(StatusCode::BAD_REQUEST, &words),
    };
    let (ground, reading, now) = (edge.0.ground.clone(), Arc::clone(&edge.0.reading), edge.0.clock.now());
    let read = move || async move {
        let _seat = reading.acquire_owned().await; // never closed
        read_efficiency(&ground, period, now).await
    };
    tell(&edge, edge.0.reports.get(&period, read)).await
}

/// An answer with its age, or why there is none. Counts as a run of the part.
async fn tell<V: Serialize>(edge: &Edge, answer: impl Future<Output = Result<Aged<V>, Nothing>>) -> Response {
    let run = edge.0.ground.parts.begin(Part::Facility);
    let now = || edge.0.clock.now();
    match answer.await {
        Ok(aged) => {
            let mut response = document(StatusCode::OK, &aged.value);
            let headers = response.headers_mut();
            headers.insert(header::AGE, HeaderValue::from(aged.age.as_secs()));
            if let Ok(at) = HeaderValue::from_str(&aged.as_of.to_string()) {
                headers.insert("x-data-as-of", at);
            }
            match aged.stale {
                None => run.succeeded(now(), "answered"),
                Some(why) => {
                    let printable: String = why
                        .chars()
                        .map(|char| if (' '..='~').contains(&char) { char } else { '?' })
                        .collect();
                    if let Ok(why) = HeaderValue::from_str(&printable) {
                        headers.insert("x-data-stale", why);
                    }
                    edge.0.ground.parts.count(Part::Facility, "stale", 1);
                    run.failed(now(), format!("answered with data of {} s ago: {why}", aged.age.as_secs()));
                }
            }
            response
        }
        Err(nothing) => {
            let (status, words, again) = match &nothing {
                Nothing::Underway => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the answer is still being read; ask again".to_owned(),
                    Some("10"),
                ),
                Nothing::Failed(error) => match error.kind {
                    JobErrorKind::Server | JobErrorKind::Tls | JobErrorKind::Store => {
                        (StatusCode::SERVICE_UNAVAILABLE, error.to_string(), Some("10"))
                    }
                    _ => (StatusCode::BAD_GATEWAY, error.to_string(), None),
                },
            };
            run.failed(now(), words.clone());
            let mut response = refusal(status, &words);
            if let Some(again) = again {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(again));
            }
            response
        }
    }
}

async fn webhook(State(edge): State<Edge>, headers: HeaderMap, content: Body) -> Response {
    let ground = &edge.0.ground;
    let Some((mode, secrets)) = &edge.0.settings.inbound else {
        return refusal(StatusCode::NOT_FOUND, "inbound webhooks are switched off");
    };
    let content = match body(headers.get(header::CONTENT_LENGTH), content).await {
        Ok(content) => content,
        Err(response) => {
            ground.parts.count(Part::Inbound, "unreadable", 1);
            return response;
        }
    };
    let now = edge.0.clock.now();
    if !secrets.accepts(*mode, &headers, &content, now) {
        ground.parts.count(Part::Inbound, "unsigned", 1);
        // the same words whatever was wrong with it
        return refusal(StatusCode::UNAUTHORIZED, "Invalid signature");
    }
    let run = ground.parts.begin(Part::Inbound);
    match inbound::read(&content) {
        Err(words) => {
            ground.parts.count(Part::Inbound, "malformed", 1);
            run.failed(now, words.clone());
            refusal(StatusCode::BAD_REQUEST, &words)
        }
        Ok(Asked::Unknown) => {
            ground.parts.count(Part::Inbound, "ignored", 1);
            run.succeeded(now, "ignored: a type that is not known here");
            document(StatusCode::OK, &json!({ "status": "ignored" }))
        }
        // committed to the outbox before this answers
        Ok(Asked::Intent(intent)) => {
            match inbound::commit(ground, &edge.0.inbound, intent, inbound::message_id(*mode, &headers, &content)).await {
                Ok(taken) => {
                    run.succeeded(edge.0.clock.now(), taken.said());
                    document(StatusCode::OK, &json!({ "status": "processed" }))
                }
                Err(error) => {
                    run.failed(edge.0.clock.now(), error.message.clone());
                    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
                    response
                }
            }
        }
    }
}
