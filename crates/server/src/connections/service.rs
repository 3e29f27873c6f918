//! The requests of a connection, watched: when they begin and end, and when they wait for a part of
//! their body.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use axum::http::{Request, Response};
use bellwether_api::KeptBody;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::client;
use super::state::Connection;

/// Answers the requests of one connection.
#[derive(Clone)]
pub struct WatchedService {
    app: TowerToHyperService<axum::Router>,
    connection: Arc<Connection>,
}

/// Where a request comes from; each one carries it.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Who is behind it.
    pub fn client(self) -> IpAddr {
        client(self.0)
    }
}

impl WatchedService {
    pub fn new(app: axum::Router, connection: Arc<Connection>) -> Self {
        WatchedService { app: TowerToHyperService::new(app), connection }
    }
}

impl Service<Request<Incoming>> for WatchedService {
    type Response = Response<KeptBody<Running>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let running = Running::begin(&self.connection);
        let connection = &self.connection;
        let watch = |inner| RequestBody { inner, connection: Arc::clone(connection), waits: false };
        let mut request = request.map(watch);
        request.extensions_mut().insert(ClientAddress(connection.from));
        let answer = self.app.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| KeptBody::new(body, running)))
        })
    }
}

/// A request that is not answered to the end.
pub struct Running(Arc<Connection>);

impl Running {
    fn begin(connection: &Arc<Connection>) -> Self {
        connection.request_begins();
        Running(Arc::clone(connection))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

/// The body of a request.
struct RequestBody {
    inner: Incoming,
    connection: Arc<Connection>,
    /// Whether its reader waits for the client.
    waits: bool,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        if self.waits != frame.is_pending() {
            self.waits = frame.is_pending();
            if self.waits {
                self.connection.body_waits();
            } else {
                self.connection.body_goes_on();
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.waits {
            self.connection.body_goes_on();
        }
    }
}
