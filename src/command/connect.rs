//! A profile's clients, made when they are first needed: the console paints before a vault has answered, and says on
//! the screen what is wrong with a credential. What was put right is noticed without a restart.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OnceCell, oneshot, watch};
use tokio::task::JoinHandle;

use super::health::health;
use super::session::{Clients, targets};
use super::{Exit, Failure};
use crate::config::{Config, DeviceTypes, Profile};
use crate::domain::{Alert, AlertId, Device, DeviceId, DeviceType, Listing, Reading, Reference, SafeText, Target, WorkOrder};
use crate::maximo::Gateway;
use crate::model::{ApiHealth, Fault, FaultKind};
use crate::outbox::{Deliver, Outbox, Policy, Sender, SenderControl, Sent, Shipment, Verified};
use crate::worker::{Plant, Site};

/// The sender asks so often for credentials that are not there yet.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Requests under way at the end have so long.
const STOPPING: Duration = Duration::from_secs(3);

/// A site that is connected to by the first who needs it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    config: Arc<Config>,
    profile: Arc<Profile>,
    clients: Arc<OnceCell<Clients>>,
}

impl Connection {
    pub(super) fn new(config: Config, profile: Profile) -> Self {
        Self {
            config: Arc::new(config),
            profile: Arc::new(profile),
            clients: Arc::new(OnceCell::new()),
        }
    }

    async fn clients(&self) -> Result<&Clients, Failure> {
        self.clients.get_or_try_init(|| Clients::new(&self.config, &self.profile)).await
    }

    async fn site(&self) -> Result<Site, Fault> {
        let clients = self.clients().await.map_err(|failure| Fault {
            kind: match failure.exit {
                Exit::Tls => FaultKind::Tls,
                Exit::Server => FaultKind::Unreachable,
                _ => FaultKind::Credentials,
            },
            message: failure.message.into(),
        })?;
        let device_types = match &self.profile.device_types {
            DeviceTypes::All => Vec::new(),
            DeviceTypes::Listed(types) => types.clone(),
        };
        Ok(Site::new(clients.monitor.clone(), clients.manage.clone(), device_types))
    }
}

impl Plant for Connection {
    async fn alerts(&self) -> Result<Listing<Alert>, Fault> {
        self.site().await?.alerts().await
    }

    async fn resolved(&self, since: Timestamp) -> Result<Listing<Alert>, Fault> {
        self.site().await?.resolved(since).await
    }

    async fn devices(&self, progress: &(dyn Fn(usize, Option<usize>) + Send + Sync)) -> Result<Listing<Device>, Fault> {
        self.site().await?.devices(progress).await
    }

    async fn alert(&self, id: &AlertId) -> Result<Alert, Fault> {
        self.site().await?.alert(id).await
    }

    async fn readings(
        &self,
        device_type: &DeviceType,
        devices: &[DeviceId],
        window: (Timestamp, Timestamp),
    ) -> Result<Vec<Reading>, Fault> {
        self.site().await?.readings(device_type, devices, window).await
    }

    async fn open_orders(&self, asset: &str, site: &str) -> Result<Vec<WorkOrder>, Fault> {
        self.site().await?.open_orders(asset, site).await
    }

    async fn orders(&self, references: &[Reference]) -> Result<Vec<WorkOrder>, Fault> {
        self.site().await?.orders(references).await
    }

    async fn health(&self) -> ApiHealth {
        // Without a connection nothing was called yet, and looking makes none.
        match self.clients.get() {
            Some(clients) => health(clients, &self.profile).await,
            None => ApiHealth::default(),
        }
    }
}

/// Delivers to the sites that this console has been at: a row goes to the site that it was made for, and to no other.
#[derive(Debug)]
struct Sites(Vec<(Vec<Target>, Connection)>);

impl Sites {
    async fn gateway(&self, target: &Target) -> Result<Gateway, SafeText> {
        let site = self.0.iter().find(|(targets, _)| targets.contains(target));
        let Some((_, connection)) = site else {
            return Err("this console has not been at the site of this row".into());
        };
        match connection.clients().await {
            Ok(clients) => Ok(clients.gateway()),
            Err(failure) => Err(failure.message.into()),
        }
    }
}

impl Deliver for Sites {
    async fn send(&self, shipment: &Shipment) -> Sent {
        match self.gateway(&shipment.target).await {
            Ok(gateway) => gateway.send(shipment).await,
            Err(reason) => Sent::NotSent { reason },
        }
    }

    async fn verify(&self, shipment: &Shipment) -> Verified {
        match self.gateway(&shipment.target).await {
            Ok(gateway) => gateway.verify(shipment).await,
            Err(reason) => Verified::Unknown { reason, after: None },
        }
    }
}

/// The console's sender: it begins when the clients of one of its sites are there.
#[derive(Debug)]
pub(super) struct Sending {
    /// Its control, once it runs.
    pub(super) control: watch::Receiver<Option<SenderControl>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Sending {
    /// `before` is the sender that this one takes the place of: an outbox has one.
    pub(super) fn start(connections: Vec<Connection>, outbox: Outbox, before: Option<Self>) -> Self {
        let (tell, control) = watch::channel(None);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut stopped = std::pin::pin!(async {
                let _ = stopped.await; // its owner being gone means the same
            });
            if let Some(before) = before {
                before.stop().await;
            }
            loop {
                let ready = async {
                    for connection in &connections {
                        if connection.clients().await.is_ok() {
                            return true;
                        }
                    }
                    tokio::time::sleep(AGAIN_AFTER).await;
                    false
                };
                tokio::select! {
                    () = &mut stopped => return,
                    ready = ready => if ready { break },
                }
            }
            let sites: Vec<(Vec<Target>, Connection)> = connections
                .into_iter()
                .map(|connection| (targets(&connection.profile), connection))
                .collect();
            let all = sites.iter().flat_map(|(targets, _)| targets.clone()).collect();
            // a request of the most patient site may run so long
            let longest = sites.iter().map(|(_, connection)| connection.profile.request_timeout).max();
            let policy = longest.map_or_else(Policy::default, Policy::within);
            let sender = Sender::new(outbox, Arc::new(Sites(sites)), all, policy);
            tell.send_replace(Some(sender.control()));
            if let Err(error) = sender.run(stopped).await {
                tracing::error!(%error, "the sender ended: what is queued waits for the next start");
            }
        });
        Self { control, stop, task }
    }

    /// Lets requests under way end, within bounds.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(()); // it may have ended by itself
        let _ = tokio::time::timeout(STOPPING, self.task).await; // what was on its way is looked up at the next start
    }
}
