//! A request's body on its way in: it ends within the limits, and the end of it may never be read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use http::{Request, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::farewell::Farewell;

/// Why a body did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreceived {
    /// It has more bytes than a body may have.
    #[error("the body is too large")]
    TooLarge,
    /// Its end did not come in time.
    #[error("the body did not arrive in time")]
    TooLate,
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[from] hyper::Error),
}

/// The request, whose connection ends with its answer when that does not wait for the whole body: the rest of the body is
/// taken for no request, and the client is told, so that it sends no other one into a closing connection. HTTP/2 ends the
/// stream alone.
pub(super) fn receive(request: Request<Incoming>, limits: &Limits, farewell: &Farewell) -> Request<Body> {
    let farewell = (request.version() < Version::HTTP_2).then(|| farewell.clone());
    request.map(|body| {
        Body::new(Received {
            body,
            left: limits.body_bytes,
            until: Instant::now() + limits.body_time,
            too_late: None,
            ended: false,
            farewell,
        })
    })
}

struct Received {
    body: Incoming,
    /// How many bytes may still come.
    left: usize,
    until: Instant,
    /// Made for a body that is waited for, which most are not.
    too_late: Option<Pin<Box<Sleep>>>,
    ended: bool,
    farewell: Option<Farewell>,
}

impl Received {
    fn poll_too_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        let too_late = self.too_late.get_or_insert_with(|| Box::pin(sleep_until(until)));
        too_late.as_mut().poll(context)
    }

    fn within_size(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Unreceived> {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.left = self.left.checked_sub(length).ok_or(Unreceived::TooLarge)?;
        Ok(frame)
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = Unreceived;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unreceived>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.poll_too_late(context));
            return Poll::Ready(Some(Err(Unreceived::TooLate)));
        };
        self.ended |= frame.is_none();
        Poll::Ready(frame.map(|frame| self.within_size(frame?)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(farewell) = &self.farewell
            && !self.ended
            && !self.body.is_end_stream()
        {
            farewell.say();
        }
    }
}
