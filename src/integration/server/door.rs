//! Takes connections: so many at once, each with a time limit for everything that it may dawdle over.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tower::ServiceExt as _;

use super::{Certificate, Traffic};

/// Connections at once. Further ones wait in the system's queue until a place is free.
pub(super) const CONNECTIONS_MAX: usize = 256;
/// The handshake and the first request's head must be there by then, counted from the connection's first moment; every
/// further head likewise from the end of the answer before. Below the 6 s that are promised.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest head of a request, in bytes.
const HEAD_MAX: usize = 32 * 1024;
/// A connection is closed after this, between two requests: a seat is nobody's for good.
const LIFE_MAX: Duration = Duration::from_secs(120);
/// An answer under way at the end of that, or at the bridge's own end, has so long.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why the door cannot be opened.
#[derive(Debug, Error)]
pub enum DoorError {
    /// The address is taken, or not ours.
    #[error("bridge.listen: {address} cannot be listened on: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A listening socket with its certificate.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Certificate,
    traffic: Traffic,
}

impl Door {
    /// Begins to listen; nobody is answered before [`Door::keep`].
    pub async fn open(address: SocketAddr, certificate: Certificate, traffic: Traffic) -> Result<Self, DoorError> {
        let failed = |source| DoorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            certificate,
            traffic,
        })
    }

    /// Where it listens: the port that the system chose, where the configuration said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until told to stop; then lets answers under way end, within bounds.
    pub async fn keep(self, router: Router, stop: watch::Receiver<bool>) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut ended = stop.clone();
        loop {
            let accept = async {
                // a place first: what there is no place for stays in the system's queue, and costs us nothing
                let seat = Arc::clone(&seats).acquire_owned().await;
                (seat, self.listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                biased;
                () = stopped(&mut ended) => break,
                both = accept => both,
            };
            match (seat, accepted) {
                (Ok(seat), Ok((stream, _))) => self.greet(stream, seat, router.clone(), stop.clone()),
                (_, Err(error)) => {
                    // out of descriptors, or the peer left in between: others may still come
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(20)).await;
                }
                (Err(_), _) => break, // the semaphore is never closed
            }
        }
        drop(self.listener);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let _ = timeout(FAREWELL + Duration::from_secs(1), seats.acquire_many(all)).await;
    }

    fn greet(&self, stream: TcpStream, seat: OwnedSemaphorePermit, router: Router, mut stop: watch::Receiver<bool>) {
        let traffic = self.traffic.clone();
        let acceptor = self.certificate.acceptor();
        traffic.change(|counts| {
            counts.accepted += 1;
            counts.open += 1;
            counts.most_open = counts.most_open.max(counts.open);
        });
        tokio::spawn(async move {
            let begun = Instant::now();
            let head_by = begun + HEAD_TIMEOUT;
            let _ = stream.set_nodelay(true);
            match timeout_at(head_by, acceptor.accept(stream)).await {
                Err(_) => traffic.change(|counts| counts.expired += 1),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a handshake failed");
                    traffic.change(|counts| counts.refused += 1);
                }
                Ok(Ok(stream)) => {
                    let asked = Arc::new(AtomicBool::new(false));
                    let flag = Arc::clone(&asked);
                    let service = service_fn(move |request: Request<Incoming>| {
                        flag.store(true, Ordering::Relaxed);
                        answer(router.clone(), request)
                    });
                    let mut server = http1::Builder::new();
                    server
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEAD_TIMEOUT)
                        .max_buf_size(HEAD_MAX);
                    let connection = server.serve_connection(TokioIo::new(stream), service);
                    tokio::pin!(connection);
                    let silent = async {
                        sleep_until(head_by).await;
                        if asked.load(Ordering::Relaxed) {
                            std::future::pending::<()>().await;
                        }
                    };
                    let ended = tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = silent => {
                            traffic.change(|counts| counts.expired += 1);
                            Ok(())
                        }
                        () = async { tokio::select! { () = stopped(&mut stop) => {}, () = sleep_until(begun + LIFE_MAX) => {} } } => {
                            connection.as_mut().graceful_shutdown();
                            timeout(FAREWELL, connection.as_mut()).await.unwrap_or(Ok(()))
                        }
                    };
                    if let Err(error) = ended {
                        if error.is_timeout() {
                            traffic.change(|counts| counts.expired += 1);
                        }
                        tracing::debug!(%error, "a connection ended"); // a client may leave at any time
                    }
                }
            }
            drop(seat);
            traffic.change(|counts| counts.open -= 1);
        });
    }
}

/// Holds until the bridge stops, or its handle is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}
