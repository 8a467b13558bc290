//! The listener, TLS, and the handle that a test or the demo holds.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::api::{Keys, Log, RequestRecord, Shared, Tokens, Traffic, lock, router};
use super::authority::Authority;
use super::config::{ALERTS_MAX, DEVICES_MAX};
use super::fault::{FaultEngine, Hangup, HangupBody};
use super::kept::{self, Kept};
use super::ledger::LedgerEntry;
use super::plant::Plant;
use super::world::{Acknowledgement, AlertFilter, Beginning, Clause, Resolution, World};
use super::{CertificateKind, FaultRule, SimulateError, SimulatorConfig};

/// Connections at once.
const CONNECTIONS_MAX: usize = 512;
/// A handshake, and a request's head, must be there by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_MAX: usize = 64 * 1024;

/// What the network does instead of carrying calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// It carries them.
    #[default]
    None,
    /// Connections are refused; those that were open are closed.
    Refused,
    /// Connections are taken and never answered; those that were open are closed.
    BlackHole,
}

struct Switch {
    outage: Outage,
    done: oneshot::Sender<()>,
}

/// A running simulator. Dropping it ends it at once, [`Simulator::shutdown`] lets calls under way finish.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    ca_pem: String,
    leaf: [String; 2],
    switch: mpsc::Sender<Switch>,
    stop: watch::Sender<bool>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.outage.fmt(formatter)
    }
}

impl Simulator {
    /// Starts one on 127.0.0.1. Must be called within a tokio runtime.
    #[expect(clippy::unused_async, reason = "needs the runtime, and may come to await")]
    pub async fn start(config: SimulatorConfig) -> Result<Self, SimulateError> {
        if config.devices > DEVICES_MAX {
            return Err(SimulateError::Devices(config.devices));
        }
        if let Some(alerts) = config.alerts.filter(|alerts| *alerts > ALERTS_MAX) {
            return Err(SimulateError::Alerts(alerts));
        }
        // held before anything is read or bound: two simulators of one folder would make two truths
        let ledger = config.directory.as_deref().map(kept::open_ledger).transpose()?;
        let kept = config
            .directory
            .as_deref()
            .map(|folder| Kept::read(folder, &config))
            .transpose()?
            .flatten();
        let papers = kept.as_ref().and_then(|kept| kept.papers.as_ref());
        let papers = papers.filter(|_| config.certificate == CertificateKind::Good);
        let authority = papers
            .and_then(Authority::again)
            .unwrap_or_else(|| Authority::new(config.certificate))?;
        let had = kept.as_ref().map(|kept| kept.port).filter(|_| config.port == 0);
        let listen = |source| match had {
            Some(port) => SimulateError::Back { port, source },
            None => SimulateError::Listen { port: config.port, source },
        };
        // stays bound without listening, so that nobody takes the port during an outage
        let reserved = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, had.unwrap_or(config.port)))).map_err(listen)?;
        let address = reserved.local_addr().map_err(listen)?;
        let listener = socket(address).and_then(|socket| socket.listen(1024)).map_err(listen)?;

        let began = kept.as_ref().map_or_else(|| config.clock.now(), |kept| kept.began);
        let plant = Arc::new(Plant::new(config.seed, config.devices, began.as_second()));
        let beginning = Beginning {
            scenario: config.scenario,
            alerts: config.alerts,
            second_operator: config.second_operator,
            allow_takeover: config.allow_takeover,
            transaction_life_s: i64::try_from(config.transaction_life.as_secs()).unwrap_or(i64::MAX),
            honour_transaction_id: config.honour_transaction_id,
        };
        let mut world = World::new(plant, &beginning);
        let keys = match &kept {
            Some(kept) => kept.keys.clone(),
            None => Keys::fresh()?,
        };
        if let Some(folder) = &config.directory {
            let papers = (config.certificate == CertificateKind::Good).then(|| authority.papers.clone());
            Kept::of(&config, began, address.port(), keys.clone(), papers).write(folder)?;
        }
        if let Some((file, entries)) = ledger {
            // a ledger without the plant that it tells of is only gone on with
            if let (Some(_), Some(folder)) = (&kept, &config.directory) {
                world.replay(&entries).map_err(|seq| kept::misfit(folder, seq))?;
            }
            world.ledger.write_to(file, if kept.is_some() { entries.len() } else { 0 });
        }
        let shared = Arc::new(Shared {
            clock: config.clock.clone(),
            world: Mutex::new(world),
            faults: Mutex::new(FaultEngine::new(config.seed, config.faults.clone())),
            latency: Mutex::new(config.latency),
            tokens: Mutex::new(Tokens::default()),
            log: Mutex::new(Log::default()),
            keys,
            base: format!("https://127.0.0.1:{}", address.port()),
            began,
            config,
        });
        let (switch, switches) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let door = Door {
            address,
            acceptor: TlsAcceptor::from(authority.server),
            router: router(&shared),
            shared: Arc::clone(&shared),
            seats: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            stopped,
        };
        let task = tokio::spawn(door.keep(reserved, listener, switches));
        Ok(Self {
            shared,
            ca_pem: authority.ca_pem,
            leaf: [authority.leaf_pem, authority.leaf_key_pem],
            switch,
            stop,
            listener: Mutex::new(Some(task)),
        })
    }

    /// `https://127.0.0.1:PORT`, for Monitor, Manage and the token endpoint alike.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// `URL/oauth/token`
    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.shared.base)
    }

    /// The certificate authority that a client must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The server's certificate and its key in PEM, for a bridge that listens on the same loopback address.
    pub fn certificate(&self) -> [&str; 2] {
        let [certificate, key] = &self.leaf;
        [certificate, key]
    }

    /// Monitor's API key: all rights.
    pub fn monitor_key(&self) -> &str {
        &self.shared.keys.monitor
    }

    /// Manage's API key: all rights.
    pub fn manage_key(&self) -> &str {
        &self.shared.keys.manage
    }

    /// A key of Monitor that may only read: writes are answered 403.
    pub fn monitor_read_only_key(&self) -> &str {
        &self.shared.keys.monitor_read_only
    }

    /// A key of Manage that may only read: writes are answered 400 with BMXAA9301E.
    pub fn manage_read_only_key(&self) -> &str {
        &self.shared.keys.manage_read_only
    }

    /// For `client_id` of the token endpoint.
    pub fn client_id(&self) -> &str {
        &self.shared.keys.client_id
    }

    /// For `client_secret` of the token endpoint.
    pub fn client_secret(&self) -> &str {
        &self.shared.keys.client_secret
    }

    /// The ERP's bearer token.
    pub fn erp_key(&self) -> &str {
        &self.shared.keys.erp
    }

    /// What goes after `Basic ` at the table of incidents.
    pub fn incidents_auth(&self) -> &str {
        &self.shared.keys.incidents
    }

    /// The secret (`whsec_...`) with which receivers of webhooks check signatures.
    pub fn webhook_secret(&self) -> &str {
        &self.shared.keys.webhook
    }

    /// The clock's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// When the plant began, by its clock: in an earlier run, where it came back.
    pub fn began(&self) -> Timestamp {
        self.shared.began
    }

    /// Every effect committed so far, evolved to the clock's time: the second operator's too, see [`LedgerEntry::is_by_client`].
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.evolved(|world| world.ledger_entries().to_vec())
    }

    /// The effects of clients alone.
    pub fn client_effects(&self) -> Vec<LedgerEntry> {
        self.evolved(|world| {
            world
                .ledger_entries()
                .iter()
                .filter(|entry| entry.is_by_client())
                .cloned()
                .collect()
        })
    }

    /// Replaces all fault rules; their counts begin anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        *lock(&self.shared.faults) = FaultEngine::new(self.shared.config.seed, rules);
    }

    /// How often each rule fired, in the order given.
    pub fn faults_fired(&self) -> Vec<u64> {
        lock(&self.shared.faults).fired()
    }

    /// Sets what is added to every call from now on.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
    }

    /// Ends every token given so far.
    pub fn revoke_tokens(&self) {
        lock(&self.shared.tokens).revoke_all();
    }

    /// Switches the network; holds when it returns.
    pub async fn set_outage(&self, outage: Outage) {
        let (done, is_done) = oneshot::channel();
        if self.switch.send(Switch { outage, done }).await.is_ok() {
            let _ = is_done.await; // an error means that the simulator has ended, and with it the network
        }
    }

    /// Requests by operation, concurrency and bytes since the start.
    pub fn traffic(&self) -> Traffic {
        lock(&self.shared.log).traffic.clone()
    }

    /// The last 20,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.shared.log).records.iter().cloned().collect()
    }

    /// The device whose fault [`Scenario::Drill`](super::Scenario::Drill) plays; `None` in other scenarios, and without pumps.
    pub fn drill_device(&self) -> Option<String> {
        self.evolved(|world| world.drill_device())
    }

    /// Type and id of a device by its place in the list over all types, beginning anew after the last; `None` without devices.
    pub fn device(&self, place: u32) -> Option<(String, String)> {
        self.evolved(|world| world.device_at(place))
    }

    /// The secret with which a technician's system signs what it tells a bridge.
    pub fn inbound_secret(&self) -> String {
        use sha2::Digest as _;
        crate::domain::hex(&sha2::Sha256::digest(format!("inbound {}", self.webhook_secret())))
    }

    /// All alerts as the list endpoint would give them, newest first.
    pub fn alerts(&self) -> Vec<Value> {
        self.evolved(|world| world.alerts(&AlertFilter::default()).map(|alert| json!(alert)).collect())
    }

    /// All work orders, in the order of their making.
    pub fn work_orders(&self) -> Vec<Value> {
        self.evolved(|world| world.orders(&Clause::default()).into_iter().map(Value::Object).collect())
    }

    /// All assets.
    pub fn assets(&self) -> Vec<Value> {
        self.evolved(|world| world.assets(&Clause::default()).into_iter().map(Value::Object).collect())
    }

    /// The production reports that the ERP has.
    pub fn reports(&self) -> Vec<Value> {
        self.evolved(|world| world.reports())
    }

    /// All incidents, in the order of their making.
    pub fn incidents(&self) -> Vec<Value> {
        self.evolved(|world| world.incidents(&[]).into_iter().map(Value::Object).collect())
    }

    /// Another person acknowledges an alert, past the network; false where it is refused as it would be over it.
    pub fn acknowledge_as(&self, alert_id: &str, person: &str, notes: Option<&str>) -> bool {
        let by = Acknowledgement {
            acknowledged_by: person.to_owned(),
            notes: notes.map(str::to_owned),
        };
        let now = self.now();
        self.evolved(|world| world.acknowledge(alert_id, by, super::ledger::SIMULATED, Value::Null, now).is_ok())
    }

    /// Another person resolves an alert, past the network; false where it is refused as it would be over it.
    pub fn resolve_as(&self, alert_id: &str, person: &str, resolution: &str, root_cause: &str) -> bool {
        let by = Resolution {
            resolved_by: person.to_owned(),
            resolution: resolution.to_owned(),
            root_cause: root_cause.to_owned(),
            preventive_action: None,
        };
        let now = self.now();
        self.evolved(|world| world.resolve(alert_id, by, super::ledger::SIMULATED, Value::Null, now).is_ok())
    }

    /// Another user of Manage sets an order's status; false where there is no such order.
    pub fn set_work_order_status(&self, wonum: &str, status: &str) -> bool {
        self.evolved(|world| world.set_order_status(wonum, status))
    }

    fn evolved<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let now = self.now();
        let mut world = lock(&self.shared.world);
        world.evolve(now);
        look(&mut world)
    }

    /// Takes no more calls, and waits up to two seconds for those under way.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        let task = lock(&self.listener).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = lock(&self.listener).take() {
            task.abort();
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?; // the reservation and the listener share the port
    socket.bind(address)?;
    Ok(socket)
}

/// The accepting half.
struct Door {
    address: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    shared: Arc<Shared>,
    seats: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Door {
    async fn keep(self, reserved: TcpSocket, listener: TcpListener, mut switches: mpsc::Receiver<Switch>) {
        const FAREWELL: Duration = Duration::from_secs(2);
        let mut stopped = self.stopped.clone();
        let mut listener = Some(listener);
        let mut outage = Outage::None;
        // one channel an era: its end closes the connections of that era at once
        let mut era = watch::channel(()).0;
        let mut held: Vec<TcpStream> = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = ending(&mut stopped) => break,
                Some(switch) = switches.recv() => {
                    outage = switch.outage;
                    era = watch::channel(()).0;
                    held.clear();
                    if outage == Outage::Refused {
                        listener = None;
                    } else if listener.is_none() {
                        listener = socket(self.address).and_then(|socket| socket.listen(1024)).map_err(|error| {
                            tracing::error!(%error, "the simulator cannot listen again");
                        }).ok();
                    }
                    let _ = switch.done.send(());
                }
                accepted = accept(listener.as_ref()) => match accepted {
                    Ok(stream) if outage == Outage::BlackHole => {
                        if held.len() < CONNECTIONS_MAX {
                            held.push(stream);
                        }
                    }
                    Ok(stream) => self.greet(stream, era.subscribe()),
                    Err(error) => {
                        // out of descriptors, or the peer left in between: others may still come
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                },
            }
        }
        drop(listener);
        drop(reserved);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(FAREWELL, self.seats.acquire_many(all)).await;
        drop(era);
    }

    fn greet(&self, stream: TcpStream, mut era: watch::Receiver<()>) {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            return;
        };
        lock(&self.shared.log).traffic.connections += 1;
        let acceptor = self.acceptor.clone();
        let router = self.router.clone();
        let mut stopped = self.stopped.clone();
        tokio::spawn(async move {
            let _seat = seat;
            let talk = async {
                let _ = stream.set_nodelay(true);
                let Ok(Ok(tls)) = tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await else {
                    return;
                };
                let service = service_fn(move |request: Request<Incoming>| answer(router.clone(), request));
                let mut server = http1::Builder::new();
                server
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT * 6)
                    .max_buf_size(HEAD_MAX);
                let connection = server.serve_connection(TokioIo::new(tls), service);
                tokio::pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = ending(&mut stopped) => {
                        connection.as_mut().graceful_shutdown();
                        connection.as_mut().await
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended"); // a client may leave at any time
                }
            };
            tokio::select! {
                () = talk => {}
                _ = era.changed() => {} // the sender is gone: the network is out
            }
        });
    }
}

/// Holds until the handle says stop, or is gone.
async fn ending(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// An error makes hyper close the connection without an answer.
async fn answer(router: Router, request: Request<Incoming>) -> Result<axum::response::Response, HangupBody> {
    let response = router
        .oneshot(request.map(Body::new))
        .await
        .unwrap_or_else(|never: Infallible| match never {});
    if response.extensions().get::<Hangup>().is_some() {
        return Err(HangupBody);
    }
    Ok(response)
}
