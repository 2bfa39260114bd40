//! A request's body, the end of which may never be read.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http::{Request, Version};
use hyper::body::{Frame, Incoming, SizeHint};

use super::farewell::Farewell;

/// The request, whose connection ends with its answer when that does not wait for the whole body: the rest of the body is
/// taken for no request, and the client is told, so that it sends no other one into a closing connection. HTTP/2 ends the
/// stream alone.
pub(super) fn told_when_unread(request: Request<Incoming>, farewell: &Farewell) -> Request<Body> {
    if request.version() >= Version::HTTP_2 {
        return request.map(Body::new);
    }
    let farewell = farewell.clone();
    request.map(|body| {
        Body::new(Unread {
            body,
            ended: false,
            farewell,
        })
    })
}

struct Unread {
    body: Incoming,
    ended: bool,
    farewell: Farewell,
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.farewell.say();
        }
    }
}
