//! Keys and tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nightdesk::domain::{AlertId, Service};
use nightdesk::maximo::{Auth, ErrorKind, KeySource, MonitorClient};

use super::server::{Reply, Request, Server, json};
use super::{CANARY, alert_json, endpoint, manage, monitor, telemetry};

fn oauth(server: &Server) -> MonitorClient {
    let auth = Auth::OAuth2 {
        token_url: server.url.join("oauth/token").unwrap(),
        client_id: "nightdesk".into(),
        client_secret: CANARY.into(),
        scope: String::new(),
    };
    MonitorClient::new(endpoint(server, Service::Monitor, auth), telemetry()).unwrap()
}

fn tokens(server: &Server) -> usize {
    server.seen().iter().filter(|request| request.target == "/oauth/token").count()
}

/// Gives out `t1`, `t2`, ...; serves alerts to the tokens that `good` accepts.
async fn token_server(answer: &'static str, good: impl Fn(&str) -> bool + Send + Sync + 'static) -> Server {
    let issued = Arc::new(AtomicUsize::new(0));
    Server::start(move |request: &Request| {
        if request.target == "/oauth/token" {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return json(200, answer.replace('#', &number.to_string()));
        }
        match request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) if good(token) => json(200, alert_json("a", "new", "")),
            _ => json(401, r#"{"error":{"code":"unauthorized","message":"token expired"}}"#),
        }
    })
    .await
}

#[tokio::test]
async fn one_refresh_serves_all_callers() {
    let server = token_server(r#"{"access_token":"t#","expires_in":3600}"#, |_| true).await;
    let client = oauth(&server);
    let id = AlertId::new("a");
    let all = futures_util::future::join_all((0..40).map(|_| client.alert(&id))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(tokens(&server), 1);
    let form = server.seen()[0].body.clone();
    assert!(
        form.contains("grant_type=client_credentials") && form.contains("client_id=nightdesk"),
        "{form}"
    );
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_repeated_once() {
    let server = token_server(r#"{"access_token":"t#"}"#, |token| token == "t2").await;
    let client = oauth(&server);
    let id = AlertId::new("a");
    let all = futures_util::future::join_all((0..8).map(|_| client.alert(&id))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(tokens(&server), 2);
    let never = token_server(r#"{"access_token":"t#"}"#, |_| false).await;
    let error = oauth(&never).alert(&id).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Credentials);
    assert_eq!(never.seen().iter().filter(|request| request.target.contains("alerts")).count(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let server = token_server(r#"{"access_token":"t#","expires_in":"100"}"#, |_| true).await;
    let client = oauth(&server);
    let id = AlertId::new("a");
    client.alert(&id).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(80)).await;
    tokio::time::resume();
    client.alert(&id).await.unwrap();
    assert_eq!(tokens(&server), 1);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(15)).await;
    tokio::time::resume();
    client.alert(&id).await.unwrap();
    assert_eq!(tokens(&server), 2, "95 of 100 seconds: the last tenth is not risked");
}

#[tokio::test]
async fn a_wrong_secret_does_not_become_a_storm() {
    let server = Server::start(|_| json(401, "{}")).await;
    let client = oauth(&server);
    let id = AlertId::new("a");
    for _ in 0..20 {
        assert_eq!(*client.alert(&id).await.unwrap_err().kind(), ErrorKind::Credentials);
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn keys_go_where_they_belong_and_nowhere_else() {
    let server = Server::start(|request| match request.header("apikey") {
        Some(_) => json(200, r#"{"member":[],"responseInfo":{}}"#),
        None => json(200, alert_json("a", "new", "")),
    })
    .await;
    monitor(&server).alert(&AlertId::new("a")).await.unwrap();
    manage(&server).open_orders("PUMP-017", "BEDFORD").await.unwrap();
    let [first, second] = server.seen().try_into().unwrap();
    assert_eq!(first.header("authorization"), Some(format!("ApiKey {CANARY}").as_str()));
    assert_eq!(second.header("apikey"), Some(CANARY));
    assert!(first.header("referer").is_none() && second.header("authorization").is_none());
}

#[tokio::test]
async fn a_secret_is_in_no_debug_no_error_and_no_record() {
    let server = Server::start(|_| json(401, r#"{"error":{"message":"no"}}"#)).await;
    let telemetry = telemetry();
    let endpoint = endpoint(&server, Service::Monitor, Auth::ApiKey(CANARY.into()));
    let client = MonitorClient::new(endpoint.clone(), telemetry.clone()).unwrap();
    let error = client.alert(&AlertId::new("a")).await.unwrap_err();
    let all = format!(
        "{endpoint:?} {client:?} {error:?} {error} {:?} {}",
        telemetry,
        serde_json::to_string(&telemetry.calls()).unwrap()
    );
    assert!(!all.contains(CANARY), "{all}");
    assert!(error.to_string().contains("check the key"), "{error}");
}

#[tokio::test]
async fn a_key_with_a_line_break_is_explained() {
    let server = Server::start(|_| Reply::Close).await;
    let client = MonitorClient::new(endpoint(&server, Service::Monitor, Auth::ApiKey("two\nlines".into())), telemetry()).unwrap();
    let error = client.alert(&AlertId::new("a")).await.unwrap_err();
    assert!(error.to_string().contains("line breaks"), "{error}");
    assert!(server.seen().is_empty());
}

/// A file with a key, which is counted when it is read and can be replaced.
#[derive(Clone)]
struct KeyFile(Arc<std::sync::Mutex<(String, usize)>>);

impl KeyFile {
    fn holding(key: &str) -> Self {
        Self(Arc::new(std::sync::Mutex::new((key.to_owned(), 0))))
    }

    fn write(&self, key: &str) {
        key.clone_into(&mut self.0.lock().unwrap().0);
    }

    fn reads(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn source(&self) -> KeySource {
        let file = self.clone();
        KeySource::new(move || {
            let mut file = file.0.lock().unwrap();
            file.1 += 1;
            let key = file.0.clone();
            async move { Ok(key.into()) }
        })
    }
}

/// Takes one key in one header, for reads and writes.
async fn keyed(header: &'static str, good: &'static str) -> Server {
    Server::start(move |request| match (request.header(header) == Some(good), header) {
        (false, _) => json(401, "{}"),
        (true, "apikey") => json(200, r#"{"member":[],"responseInfo":{}}"#),
        (true, _) => json(200, alert_json("a", "acknowledged", r#","acknowledgedBy":"operator1""#)),
    })
    .await
}

#[tokio::test]
async fn a_key_that_was_replaced_is_read_anew_once_for_all_and_the_call_repeated_once() {
    let server = keyed("authorization", "ApiKey new").await;
    let file = KeyFile::holding("new");
    let old = endpoint(&server, Service::Monitor, Auth::ApiKey("old".into()));
    let client = MonitorClient::new(old.clone(), telemetry()).unwrap().with_key_source(file.source());
    let id = AlertId::new("a");
    let all = futures_util::future::join_all((0..8).map(|_| client.alert(&id))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(file.reads(), 1);
    assert!(server.seen().len() <= 16, "each at most twice: {}", server.seen().len());
    let before = server.seen().len();
    client.interactive().alert(&id).await.unwrap();
    assert_eq!((server.seen().len(), file.reads()), (before + 1, 1), "from then on it is the key");

    // one that is still the same is not tried twice, and its file is not read for every call
    let same = KeyFile::holding("old");
    let client = MonitorClient::new(old, telemetry()).unwrap().with_key_source(same.source());
    let before = server.seen().len();
    for _ in 0..5 {
        assert_eq!(*client.alert(&id).await.unwrap_err().kind(), ErrorKind::Credentials);
    }
    assert_eq!((server.seen().len() - before, same.reads()), (5, 1));
    // replaced at last, it is found as soon as the file may be read again
    same.write("new");
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    tokio::time::resume();
    client.alert(&id).await.unwrap();
    assert_eq!(same.reads(), 2);
}

#[tokio::test]
async fn manages_key_and_an_oauth_secret_are_read_anew_likewise() {
    let server = keyed("apikey", "new").await;
    let file = KeyFile::holding("new");
    let old = endpoint(&server, Service::Manage, Auth::ManageKey("old".into()));
    let client = nightdesk::maximo::ManageClient::new(old, nightdesk::maximo::ManagePaths::default(), telemetry())
        .unwrap()
        .with_key_source(file.source());
    client.open_orders("P", "BEDFORD").await.unwrap();
    assert_eq!((server.seen().len(), file.reads()), (2, 1));

    let server = Server::start(|request| match request.target.as_str() {
        "/oauth/token" if request.body.contains("client_secret=new") => json(200, r#"{"access_token":"t","expires_in":3600}"#),
        "/oauth/token" => json(401, "{}"),
        _ => json(200, alert_json("a", "new", "")),
    })
    .await;
    let file = KeyFile::holding("new");
    let client = oauth(&server).with_key_source(file.source());
    let id = AlertId::new("a");
    let all = futures_util::future::join_all((0..8).map(|_| client.alert(&id))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!((tokens(&server), file.reads()), (2, 1));
}
