//! Mounting: an operation says who may call it where it is mounted, and the same words enforce and document it.
//!
//! There is no other way to mount. A mount panics when the service is put together, and so in every test, if an
//! operation could not be used from its documentation alone: without an id, a summary, or an example of each body.

mod access;
mod document;
mod guard;
mod problems;
mod recognized;

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;
use cyberid_domain::relying_party::Role;
use utoipa::openapi::{Components, Info, OpenApi, PathItem, Paths};
use utoipa_axum::router::UtoipaMethodRouter;

pub use access::Access;
pub use problems::problem_responses;

use crate::Authenticate;
use crate::around::Around;
use guard::{Declared, Guard};

/// The operations of one service over the state `S`.
pub struct Routes<S> {
    openapi: OpenApi,
    ids: HashSet<String>,
    /// What the `{id}` in a path begins with.
    prefix: &'static str,
    mounts: Vec<Mount<S>>,
}

struct Mount<S> {
    path: String,
    access: Access,
    /// The operations as they are written; what the mount says of them is added for a document only, and takes many times as
    /// much.
    written: PathItem,
    declared: Declared,
    router: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No operations yet, in a document of this title.
    pub fn new(title: &str, description: &str) -> Self {
        let mut info = Info::new(title, env!("CARGO_PKG_VERSION"));
        info.description = Some(description.into());
        let mut openapi = OpenApi::new(info, Paths::new());
        openapi.components = Some(document::components());
        Self {
            openapi,
            ids: HashSet::new(),
            prefix: "",
            mounts: Vec::new(),
        }
    }

    /// Mounts operations that anybody may call.
    ///
    /// # Panics
    ///
    /// An operation is not fully documented, or its id is taken.
    #[must_use]
    pub fn public(self, operations: UtoipaMethodRouter<S>) -> Self {
        self.mount(Access::Public, operations)
    }

    /// Mounts operations that take no token, because the message in the body is signed by who sends it.
    ///
    /// # Panics
    ///
    /// An operation is not fully documented, or its id is taken.
    #[must_use]
    pub fn signed(self, operations: UtoipaMethodRouter<S>) -> Self {
        self.mount(Access::Signed, operations)
    }

    /// Mounts operations that only callers in one of these roles may call.
    ///
    /// # Panics
    ///
    /// An operation is not fully documented, its id is taken, or there is no role.
    #[must_use]
    pub fn authorize(self, roles: &[Role], operations: UtoipaMethodRouter<S>) -> Self {
        assert!(!roles.is_empty(), "an operation for no role");
        self.mount(Access::Roles(roles.to_vec()), operations)
    }

    /// Mounts operations that anybody may call, and that know their callers in these roles where they say who they are.
    /// A handler takes its caller as an `Option`.
    ///
    /// # Panics
    ///
    /// An operation is not fully documented, its id is taken, or there is no role.
    #[must_use]
    pub fn recognize(self, roles: &[Role], operations: UtoipaMethodRouter<S>) -> Self {
        assert!(!roles.is_empty(), "an operation that recognises no role");
        self.mount(Access::Optional(roles.to_vec()), operations)
    }

    /// Answers for an `{id}` that begins with `prefix` alone: any other one at the same path is somebody else's.
    #[must_use]
    pub fn for_ids(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// The document of all operations.
    pub fn openapi(&self) -> OpenApi {
        let mut openapi = self.openapi.clone();
        for mount in &self.mounts {
            let path = mount.path.replace("{*", "{");
            let item = openapi.paths.paths.entry(path).or_default();
            item.merge_operations(mount.documented());
        }
        openapi
    }

    /// The router of all operations; it merges with other services' routers, and [`crate::server::Hardened`] completes it.
    pub fn finish(self, state: S, auth: Arc<dyn Authenticate>) -> Router {
        let id = format!("{}{{id}}", self.prefix);
        let router = self.mounts.into_iter().fold(Router::new(), move |router, mount| {
            let guard = Guard::new(mount.access, mount.declared, Arc::clone(&auth));
            let guarded = mount.router.route_layer(Around::new(guard));
            router.route(&mount.path.replace("{id}", &id), guarded)
        });
        router.with_state(state)
    }

    fn mount(mut self, access: Access, (schemas, paths, router): UtoipaMethodRouter<S>) -> Self {
        let mut paths = paths.paths.into_iter();
        let (Some((path, mut written)), None) = (paths.next(), paths.next()) else {
            panic!("operations that are mounted together share one path");
        };
        let components = self.openapi.components.get_or_insert_with(Components::new);
        components.schemas.extend(schemas);
        let mut declared = Declared::new();
        for (method, operation) in document::operations(&mut written) {
            let id = document::require_complete(&path, operation, components);
            assert!(self.ids.insert(id.clone()), "two operations are called {id}");
            declared.insert(method, document::declaration(&path, &access, operation));
        }
        self.mounts.push(Mount {
            path,
            access,
            written,
            declared,
            router,
        });
        self
    }
}

impl<S> Mount<S> {
    /// The operations with what the mount says of them.
    fn documented(&self) -> PathItem {
        let mut item = self.written.clone();
        for (method, operation) in document::operations(&mut item) {
            if let Some(declaration) = self.declared.get(&method) {
                document::complete(&self.access, declaration, operation);
            }
        }
        item
    }
}

/// The document as JSON, the same bytes at every run: members in alphabetical order.
///
/// # Errors
///
/// The document holds something that JSON cannot.
pub fn to_json(openapi: &OpenApi) -> serde_json::Result<String> {
    let sorted = serde_json::to_value(openapi)?;
    serde_json::to_string_pretty(&sorted).map(|json| json + "\n")
}

#[cfg(test)]
mod tests;
