//! What stands before every handler: it admits the callers that the mount names, refuses a query where none is
//! documented, and notices an answer that the documentation does not have.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use cyberid_protocol::problem::ProblemType;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Method};

use super::Access;
use crate::Failure;
use crate::around::{Handlers, Step};
use crate::auth::{Authenticate, DPOP_NONCE, header_value};
use crate::telemetry::tell_route;

/// RFC 9449, section 4.1.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What the documentation says of each operation at a path.
pub(super) type Declared = HashMap<Method, Declaration>;

/// What the documentation says of an operation.
pub(super) struct Declaration {
    /// The problems that it may answer.
    pub(super) problems: Vec<ProblemType>,
    /// Whether it may be called with a query.
    pub(super) query: bool,
}

pub(super) struct Guard {
    access: Access,
    declared: Declared,
    auth: Arc<dyn Authenticate>,
}

impl Guard {
    pub(super) fn new(access: Access, declared: Declared, auth: Arc<dyn Authenticate>) -> Self {
        Self {
            access,
            declared,
            auth,
        }
    }

    async fn admit(&self, request: Request) -> Result<Request, Failure> {
        let request = self.authorized(request).await?;
        let queried = request.uri().query().is_some_and(|query| !query.is_empty());
        let allowed = self.declaration(request.method()).is_some_and(|said| said.query);
        if queried && !allowed {
            return Err(ProblemType::MalformedRequest.into());
        }
        Ok(request)
    }

    async fn authorized(&self, request: Request) -> Result<Request, Failure> {
        if !self.asks(request.headers()) {
            return Ok(request);
        }
        let (mut parts, body) = request.into_parts();
        let caller = self.auth.authenticate(&parts).await?;
        if !self.access.admits(caller.role) {
            return Err(ProblemType::Forbidden.into());
        }
        parts.extensions.insert(caller);
        Ok(Request::from_parts(parts, body))
    }

    /// Whether the caller has to prove who they are: everybody, or whoever says so.
    fn asks(&self, headers: &HeaderMap) -> bool {
        match self.access {
            Access::Public | Access::Signed => false,
            Access::Optional(_) => headers.contains_key(AUTHORIZATION) || headers.contains_key(DPOP),
            Access::Roles(_) => true,
        }
    }

    fn give_nonce(&self, response: &mut Response) {
        if let Some(nonce) = self.auth.nonce() {
            response.headers_mut().insert(DPOP_NONCE, header_value(&nonce));
        }
    }

    /// An answer outside the documentation is a fault of ours: a log line in production, a panic in every test.
    fn notice_undeclared(&self, method: &Method, response: &Response) {
        let Some(kind) = response.extensions().get::<ProblemType>() else {
            return;
        };
        let declaration = self.declaration(method);
        if !declaration.is_some_and(|said| said.problems.contains(kind)) {
            tracing::error!(
                problem = kind.slug(),
                "an operation answered a problem that it does not declare"
            );
            debug_assert!(false, "the problem {kind} is not declared");
        }
    }

    /// What is said of this method; `HEAD` is documented as `GET`.
    fn declaration(&self, method: &Method) -> Option<&Declaration> {
        let documented = if method == Method::HEAD && !self.declared.contains_key(method) {
            &Method::GET
        } else {
            method
        };
        self.declared.get(documented)
    }
}

impl Step for Guard {
    async fn around(&self, request: Request, handlers: impl Handlers) -> Response {
        tell_route(&request);
        let method = request.method().clone();
        let asks = self.asks(request.headers());
        let mut response = match self.admit(request).await {
            Ok(request) => handlers.answer(request).await,
            Err(failure) => failure.into_response(),
        };
        self.notice_undeclared(&method, &response);
        if asks {
            self.give_nonce(&mut response);
        }
        response
    }
}
