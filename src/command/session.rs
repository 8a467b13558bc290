//! What a profile needs to work: clients, record of calls, outbox. Used by the console and by the headless commands.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Config, Env, Manage, Monitor, MonitorAuth, Profile};
use crate::domain::{Service, Target};
use crate::integration::{FolderStore, Ground, Parts, key_source};
use crate::local::BridgeStatus;
use crate::maximo::{Auth, Caller, Endpoint, Gateway, Limits, ManageClient, ManagePaths, MonitorClient, Telemetry, encode};
use crate::outbox::{Actor, OpenOptions, Outbox, Policy, Sender};

use super::{Exit, Failure};

/// The servers of a profile, as clients.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Maximo Monitor.
    pub monitor: MonitorClient,
    /// Maximo Manage, where the profile has it.
    pub manage: Option<ManageClient>,
    /// The record of all calls, also in `usage.jsonl` of the state folder.
    pub telemetry: Telemetry,
    /// What intents are bound to.
    pub targets: Vec<Target>,
}

/// A profile at work.
#[derive(Clone, Debug)]
pub struct Session {
    /// The whole configuration.
    pub config: Config,
    /// The profile in use.
    pub profile: Profile,
    /// Its servers.
    pub clients: Clients,
    /// The outbox of this account.
    pub outbox: Outbox,
}

impl Session {
    /// Reads the credentials, makes the clients, opens the outbox. Calls no server.
    pub async fn open(config: Config) -> Result<Self, Failure> {
        let profile = config.profile()?.clone();
        let clients = Clients::new(&config, &profile).await?;
        let outbox = open_outbox(&config).await?;
        Ok(Self {
            config,
            profile,
            clients,
            outbox,
        })
    }

    /// What the outbox delivers through.
    pub fn gateway(&self) -> Gateway {
        self.clients.gateway()
    }

    /// A sender for this profile's rows.
    pub fn sender(&self) -> Sender<Gateway> {
        Sender::new(
            self.outbox.clone(),
            Arc::new(self.gateway()),
            self.clients.targets.clone(),
            Policy::within(self.profile.request_timeout),
        )
    }

    /// Where an intent of a service goes.
    pub fn target(&self, service: Service) -> Result<Target, Failure> {
        self.clients.target(service, &self.profile)
    }

    /// What the parts of the bridge stand on. Their memory lies in the state folder.
    pub fn ground(&self) -> Result<Ground, Failure> {
        ground_of(&self.config, &self.profile, &self.clients, &self.outbox)
    }
}

/// What the parts of the bridge stand on.
pub(super) fn ground_of(config: &Config, profile: &Profile, clients: &Clients, outbox: &Outbox) -> Result<Ground, Failure> {
    let folder = config.dirs.state.join(BridgeStatus::FOLDER);
    let store = FolderStore::open(&folder).map_err(|error| Failure::new(Exit::Store, error.to_string()))?;
    Ok(Ground {
        profile: Arc::new(profile.clone()),
        bridge: config.bridge.clone().map(Arc::new),
        env: config.env.clone(),
        monitor: clients.monitor.clone(),
        manage: clients.manage.clone(),
        telemetry: clients.telemetry.clone(),
        outbox: outbox.clone(),
        targets: clients.targets.clone(),
        store: Arc::new(store),
        parts: Parts::default(),
    })
}

impl Clients {
    /// Reads the credentials and makes the clients. Calls no server.
    pub async fn new(config: &Config, profile: &Profile) -> Result<Self, Failure> {
        let telemetry = telemetry(config)?;
        let limits = Limits::within(profile.request_timeout);
        let endpoint = Endpoint {
            limits,
            ..monitor_endpoint(&profile.monitor, &config.env).await?
        };
        let source = key_source(profile.monitor.auth.credential(), &config.env);
        let monitor = MonitorClient::new(endpoint, telemetry.clone())?.with_key_source(source);
        let manage = match &profile.manage {
            None => None,
            Some(manage) => Some(manage_client(manage, &config.env, limits, &telemetry).await?),
        };
        Ok(Self {
            monitor,
            manage,
            telemetry,
            targets: targets(profile),
        })
    }

    /// What the outbox delivers through.
    pub fn gateway(&self) -> Gateway {
        Gateway {
            monitor: self.monitor.clone(),
            manage: self.manage.clone(),
        }
    }

    /// Where an intent of a service goes.
    pub fn target(&self, service: Service, profile: &Profile) -> Result<Target, Failure> {
        self.targets
            .iter()
            .find(|target| target.service == service)
            .cloned()
            .ok_or_else(|| no_manage(profile))
    }

    /// Manage's client, or what to configure.
    pub fn manage(&self, profile: &Profile) -> Result<&ManageClient, Failure> {
        self.manage.as_ref().ok_or_else(|| no_manage(profile))
    }
}

/// The servers that a profile's intents are bound to. Needs no credential.
pub(super) fn targets(profile: &Profile) -> Vec<Target> {
    let target = |service, url: &url::Url| Target {
        service,
        profile: profile.name.clone(),
        origin: url.origin().ascii_serialization(),
    };
    let mut targets = vec![target(Service::Monitor, &profile.monitor.url)];
    targets.extend(profile.manage.as_ref().map(|manage| target(Service::Manage, &manage.url)));
    targets
}

pub(super) fn no_manage(profile: &Profile) -> Failure {
    Failure::new(
        Exit::Configuration,
        format!(
            "profile `{0}` has no Manage; add [profiles.{0}.manage] with its url and key",
            profile.name
        ),
    )
}

/// Monitor's endpoint, credential included.
pub(super) async fn monitor_endpoint(monitor: &Monitor, env: &Env) -> Result<Endpoint, Failure> {
    let secret = monitor.auth.credential().read(env).await?;
    let auth = match &monitor.auth {
        MonitorAuth::ApiKey(_) => Auth::ApiKey(secret),
        MonitorAuth::OAuth2 {
            token_url,
            client_id,
            scope,
            ..
        } => Auth::OAuth2 {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret: secret,
            scope: scope.clone(),
        },
    };
    Ok(Endpoint {
        service: Service::Monitor,
        base: monitor.url.clone(),
        ca_pem: read_ca(monitor.ca_file.as_deref())?,
        auth,
        limits: Limits::default(),
    })
}

/// Manage's client, credential included.
pub(super) async fn manage_client(manage: &Manage, env: &Env, limits: Limits, telemetry: &Telemetry) -> Result<ManageClient, Failure> {
    let endpoint = Endpoint {
        service: Service::Manage,
        base: manage.url.clone(),
        ca_pem: read_ca(manage.ca_file.as_deref())?,
        auth: Auth::ManageKey(manage.key.read(env).await?),
        limits,
    };
    let paths = ManagePaths {
        base: manage.base.clone(),
        work_order: manage.work_order.clone(),
        asset: manage.asset.clone(),
    };
    let source = key_source(&manage.key, env);
    Ok(ManageClient::new(endpoint, paths, telemetry.clone())?.with_key_source(source))
}

fn read_ca(path: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    path.map(|path| {
        std::fs::read(path)
            .map_err(|error| Failure::new(Exit::Configuration, format!("ca_file: {} cannot be read: {error}", path.display())))
    })
    .transpose()
}

/// The record of calls, with its file.
pub(super) fn telemetry(config: &Config) -> Result<Telemetry, Failure> {
    let actor = actor(config);
    let caller = Caller {
        operator: actor.operator,
        os_user: actor.os_user,
        ssh_client: actor.ssh_client,
    };
    let state = &config.dirs.state;
    let log = state.join("usage.jsonl");
    create_private(state)
        .and_then(|()| Telemetry::with_log(caller, log.clone()))
        .map_err(|error| Failure::new(Exit::Store, format!("{}: the usage log cannot be written: {error}", log.display())))
}

/// The outbox of this account.
pub(super) async fn open_outbox(config: &Config) -> Result<Outbox, Failure> {
    let state = &config.dirs.state;
    create_private(state).map_err(|error| {
        Failure::new(
            Exit::Store,
            format!("{}: the state folder cannot be made: {error}", state.display()),
        )
    })?;
    Ok(Outbox::open(&state.join("outbox"), OpenOptions::new(encode, actor(config))).await?)
}

/// Who acts, for audit and usage log.
pub(super) fn actor(config: &Config) -> Actor {
    let env = &config.env;
    Actor {
        operator: config.operator.name.clone(),
        os_user: os_user(env),
        ssh_client: env
            .get("SSH_CONNECTION")
            .or_else(|| env.get("SSH_CLIENT"))
            .and_then(|address| address.split_whitespace().next().map(str::to_owned)),
    }
}

/// The account: its number is the kernel's word, its name the environment's.
fn os_user(env: &Env) -> String {
    let name = env.get("USER").or_else(|| env.get("LOGNAME")).or_else(|| env.get("USERNAME"));
    #[cfg(unix)]
    {
        let uid = rustix::process::getuid().as_raw();
        name.map_or_else(|| uid.to_string(), |name| format!("{name}({uid})"))
    }
    #[cfg(not(unix))]
    {
        name.unwrap_or_else(|| "unknown".to_owned())
    }
}

/// Makes a folder, and those above it, for this account alone.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}
