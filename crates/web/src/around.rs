//! A step around handlers, with one box for each request: `axum::middleware::from_fn` would take four.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::{Layer, Service};

/// Handlers, or what stands around them further inside.
pub(crate) trait Handlers:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
    /// Their answer.
    fn answer(mut self, request: Request) -> impl Future<Output = Response> + Send {
        async move {
            let Ok(response) = self.call(request).await;
            response
        }
    }
}

impl<S> Handlers for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// What is done around handlers.
pub(crate) trait Step: Send + Sync + 'static {
    /// The answer, for which `handlers` may be asked.
    fn around(&self, request: Request, handlers: impl Handlers) -> impl Future<Output = Response> + Send;
}

/// Puts a step around handlers.
pub(crate) struct Around<A>(Arc<A>);

impl<A> Around<A> {
    pub(crate) fn new(step: A) -> Self {
        Self(Arc::new(step))
    }
}

impl<A> Clone for Around<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, S> Layer<S> for Around<A> {
    type Service = Stepped<A, S>;

    fn layer(&self, handlers: S) -> Stepped<A, S> {
        Stepped {
            step: Arc::clone(&self.0),
            handlers,
        }
    }
}

/// Handlers with a step around them.
pub(crate) struct Stepped<A, S> {
    step: Arc<A>,
    handlers: S,
}

impl<A, S: Clone> Clone for Stepped<A, S> {
    fn clone(&self) -> Self {
        Self {
            step: Arc::clone(&self.step),
            handlers: self.handlers.clone(),
        }
    }
}

impl<A: Step, S: Handlers> Service<Request> for Stepped<A, S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.handlers.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { step, handlers } = self.clone();
        Box::pin(async move { Ok(step.around(request, handlers).await) })
    }
}
