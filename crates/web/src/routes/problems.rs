//! Problems in the documents: one response for each status, naming its exact types.

use std::collections::BTreeMap;

use cyberid_protocol::problem::{self, Problem, ProblemType, TYPE_PREFIX};
use serde_json::{Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response};

/// The extension that lists problem types by their slugs.
pub(super) const EXTENSION: &str = "x-problems";

/// Declares the problems that an operation answers beyond those that every operation may answer.
///
/// ```
/// cyberid_web::problems!(
///     /// What asking can end in.
///     pub AskProblems: OverAsking, UnregisteredUse
/// );
/// # fn main() {}
/// ```
///
/// The type goes into `#[utoipa::path(responses((status = 200, ...), AskProblems))]`.
#[macro_export]
macro_rules! problems {
    ($(#[$doc:meta])* $vis:vis $name:ident: $($kind:ident),+ $(,)?) => {
        $(#[$doc])*
        $vis struct $name;

        impl $crate::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                ::std::string::String,
                $crate::utoipa::openapi::RefOr<$crate::utoipa::openapi::Response>,
            > {
                $crate::routes::problem_responses(&[$($crate::ProblemType::$kind),+])
            }
        }
    };
}

/// One response for each status of these problems.
pub fn problem_responses(kinds: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    by_status(kinds)
        .into_iter()
        .map(|(status, kinds)| {
            let mut response = Response::default();
            describe(&mut response, &kinds);
            (status, RefOr::T(response))
        })
        .collect()
}

/// These problems by status, each once, in the registry's order.
pub(super) fn by_status(kinds: &[ProblemType]) -> BTreeMap<String, Vec<ProblemType>> {
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let mut by_status = BTreeMap::<String, Vec<ProblemType>>::new();
    for kind in kinds {
        by_status.entry(kind.status().to_string()).or_default().push(kind);
    }
    by_status
}

/// Makes the response one of these problems; a description of its own stays.
pub(super) fn describe(response: &mut Response, kinds: &[ProblemType]) {
    if response.description.is_empty() || is_problem(response) {
        let titles: Vec<_> = kinds
            .iter()
            .map(|kind| {
                format!(
                    "[`{kind}`]({}): {}",
                    TYPE_PREFIX.to_owned() + kind.slug(),
                    kind.title()
                )
            })
            .collect();
        response.description = titles.join("; ");
    }
    let examples = kinds.iter().map(|kind| {
        let example = ExampleBuilder::new()
            .summary(kind.title())
            .value(Some(json!(Problem::new(*kind))));
        (kind.slug(), example.build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    response
        .content
        .insert(problem::MEDIA_TYPE.into(), RefOr::T(content));
    response
        .extensions
        .get_or_insert_default()
        .merge(extension(kinds));
}

/// The problems that a response declares.
pub(super) fn declared(response: &Response) -> Vec<ProblemType> {
    let slugs = response
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get(EXTENSION)?.as_array());
    slugs
        .into_iter()
        .flatten()
        .filter_map(|slug| ProblemType::named(slug.as_str()?))
        .collect()
}

/// `x-problems` with these types.
pub(super) fn extension(kinds: &[ProblemType]) -> Extensions {
    let slugs: Value = kinds.iter().map(|kind| kind.slug()).collect();
    Extensions::from_iter([(EXTENSION, slugs)])
}

fn is_problem(response: &Response) -> bool {
    !declared(response).is_empty()
}
