//! A plain HTTPS client for these tests, and a simulator on a held clock.

use std::sync::Once;

use jiff::Timestamp;
use nightdesk::simulator::{Clock, ClockHand, Scenario, Simulator, SimulatorConfig};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;

/// 02:13 on a February night.
pub fn start() -> Timestamp {
    "2026-02-19T02:13:00Z".parse().unwrap()
}

/// A simulator whose clock stands at [`start`] until its hand is moved.
pub async fn held(change: impl FnOnce(SimulatorConfig) -> SimulatorConfig) -> (Simulator, ClockHand, Plain) {
    let (clock, hand) = Clock::held_at(start());
    let simulator = Simulator::start(change(SimulatorConfig {
        clock,
        seed: 7,
        ..SimulatorConfig::default()
    }))
    .await
    .unwrap();
    let plain = Plain::new(&simulator);
    (simulator, hand, plain)
}

pub async fn quiet() -> (Simulator, ClockHand, Plain) {
    held(|config| SimulatorConfig {
        scenario: Scenario::Quiet,
        ..config
    })
    .await
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The value at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Value {
        self.json()
            .pointer(pointer)
            .cloned()
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.text))
    }
}

#[derive(Clone)]
pub struct Plain {
    pub http: reqwest::Client,
    pub base: String,
    pub monitor_key: String,
    pub manage_key: String,
}

impl Plain {
    pub fn new(simulator: &Simulator) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default(); // another room's tests may have done it
        });
        let ca = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            base: simulator.url().to_owned(),
            monitor_key: simulator.monitor_key().to_owned(),
            manage_key: simulator.manage_key().to_owned(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if path.starts_with("/maximo/") {
            request.header("apikey", &self.manage_key)
        } else {
            request.header("authorization", format!("ApiKey {}", self.monitor_key))
        }
    }

    pub async fn send(request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Self::send(self.request(Method::GET, path)).await
    }

    /// The JSON of an answer that must be 200.
    pub async fn fetch(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK.as_u16(), "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::PUT, path).body(body.to_string())).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::POST, path).body(body.to_string())).await
    }

    pub async fn alerts(&self, query: &str) -> Vec<Value> {
        self.fetch(&format!("/api/v1/alerts?limit=1000&{query}")).await["results"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn unresolved(&self) -> Vec<Value> {
        self.alerts("status=new,acknowledged").await
    }
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}
