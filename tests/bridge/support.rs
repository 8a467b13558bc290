//! A plant with a bridge on it, as files and in process.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightdesk::command::Session;
use nightdesk::config::{Config, Env, Locate};
use nightdesk::integration::server::{ApiKeys, Edge, EdgeSettings, InboundMode, Secrets, Traffic, router};
use nightdesk::integration::{Board, Ground, WallClock};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::command::plant::Plant;

pub const API_KEY: &str = "0123456789abcdef0123";
pub const SECRET: &str = "a-secret-of-16-bytes-or-more";

/// Writes a private file into the plant's folder.
pub fn private(plant: &Plant, name: &str, text: &str) {
    write_private(&plant.path(name), text);
}

pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Adds text at the end of the plant's configuration.
pub fn configure(plant: &Plant, more: &str) {
    let path = plant.path("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    write_private(&path, &format!("{text}\n{more}"));
}

/// A server with API key and inbound secret on a free port.
pub fn with_server(plant: &Plant) {
    private(plant, "api.keys", &format!("portal:{API_KEY}\n"));
    private(plant, "inbound.secret", &format!("{SECRET}\n"));
    configure(
        plant,
        r#"
[bridge]
listen = "127.0.0.1:0"
cert_file = "bridge.pem"
cert_key_file = "bridge.key"
api_keys_file = "api.keys"
inbound_secret_file = "inbound.secret"
"#,
    );
}

/// What is served, without a socket.
pub struct Served {
    pub session: Session,
    pub ground: Ground,
    router: axum::Router,
}

impl Served {
    pub async fn on(plant: &Plant) -> Self {
        Self::at(plant, WallClock::system()).await
    }

    /// With messages that have ids: Standard Webhooks.
    pub async fn standard(plant: &Plant) -> Self {
        Self::with(plant, WallClock::system(), InboundMode::Standard).await
    }

    pub async fn at(plant: &Plant, clock: WallClock) -> Self {
        Self::with(plant, clock, InboundMode::Signature).await
    }

    async fn with(plant: &Plant, clock: WallClock, mode: InboundMode) -> Self {
        let locate = Locate::new(
            Some(plant.path("config.toml")),
            None,
            Some(plant.path("state")),
            Env::of(&[("USER", "bridge")]),
        );
        let session = Session::open(Config::load(&locate).unwrap()).await.unwrap();
        let ground = session.ground().unwrap();
        let keys = plant.path("api.keys");
        write_private(&keys, &format!("portal:{API_KEY}\n"));
        let settings = EdgeSettings {
            api_keys: Some(ApiKeys::load(&keys).unwrap()),
            inbound: Some((mode, Secrets::new(&[SECRET.into()]).unwrap())),
        };
        let edge = Edge::new(ground.clone(), Board::default(), Traffic::default(), clock, settings);
        Self {
            session,
            ground,
            router: router(edge),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// With the API key.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("x-api-key", API_KEY).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, body: &str, signature: Option<&str>) -> Answer {
        let mut request = Request::post("/webhook/inbound");
        if let Some(signature) = signature {
            request = request.header("x-webhook-signature", signature);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Signed as it should be.
    pub async fn webhook(&self, body: &str) -> Answer {
        self.post(body, Some(&sign(body))).await
    }

    /// As Standard Webhooks has it, signed now.
    pub async fn message(&self, id: &str, body: &str) -> Answer {
        let at = jiff::Timestamp::now().as_second();
        let hex = sign(&format!("{id}.{at}.{body}"));
        let print: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|from| u8::from_str_radix(&hex[from..from + 2], 16).unwrap())
            .collect();
        let request = Request::post("/webhook/inbound")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", format!("v1,{}", STANDARD.encode(print)));
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

pub fn sign(body: &str) -> String {
    nightdesk::integration::server::signature(SECRET.as_bytes(), body.as_bytes()).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Self {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        self
    }
}
