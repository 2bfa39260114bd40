//! What a mount adds to an operation's documentation, and what it demands of it.

use cyberid_protocol::problem::{Problem, ProblemType};
use http::Method;
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{Components, Content, PathItem, RefOr, Required, Response, Type};

use super::access::{Access, SCHEMES};
use super::guard::Declaration;
use super::problems;

/// The components that every document has: the security schemes and the shape of a problem.
pub(super) fn components() -> Components {
    let mut components = Components::new();
    components
        .schemas
        .insert("Problem".into(), RefOr::T(problem_schema().into()));
    let texts = [
        "`DPoP <access token>`, with a proof of possession in the header `DPoP` (RFC 9449, section 7.1).",
        "`Bearer <access token>`, over a TLS connection that shows the client certificate which the token is bound to \
         (RFC 8705, section 3).",
    ];
    for (name, text) in SCHEMES.into_iter().zip(texts) {
        let header = ApiKeyValue::with_description("Authorization", text);
        components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
    components
}

/// The operations at a path, each with its method.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Panics if the operation could not be used from its documentation alone; returns its id.
pub(super) fn require_complete(path: &str, operation: &Operation, components: &Components) -> String {
    let Some(id) = operation.operation_id.clone() else {
        panic!("an operation at {path} has no operation_id");
    };
    let named = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(named, "{id} is not of the form verb_noun");
    let summary = operation.summary.as_deref().unwrap_or_default();
    assert!(!summary.is_empty(), "{id} has no summary");
    for content in bodies(operation) {
        assert!(
            has_example(content, components),
            "{id} has a body without an example"
        );
    }
    id
}

/// What the operation takes and may answer, by what is written of it and where it is mounted.
pub(super) fn declaration(path: &str, access: &Access, operation: &Operation) -> Declaration {
    let mut problems = generic_problems(path, access, operation);
    problems.extend(answers(operation).flat_map(problems::declared));
    problems.sort_unstable();
    problems.dedup();
    Declaration {
        problems,
        query: takes_query(operation),
    }
}

/// Adds what the mount says.
pub(super) fn complete(access: &Access, declaration: &Declaration, operation: &mut Operation) {
    for (status, kinds) in problems::by_status(&declaration.problems) {
        let answer = operation.responses.responses.entry(status);
        if let RefOr::T(response) = answer.or_insert_with(|| RefOr::T(Response::default())) {
            problems::describe(response, &kinds);
        }
    }
    if access.takes_credentials() {
        add_dpop_headers(operation);
    }
    operation.security = Some(access.security());
    operation.description = Some(match operation.description.take() {
        Some(text) => format!("{text}\n\n{}", access.note()),
        None => access.note(),
    });
    let extensions = operation.extensions.get_or_insert_default();
    extensions.merge(Extensions::from_iter([("x-access", access.documented())]));
    extensions.merge(problems::extension(&declaration.problems));
}

/// Whether a query is documented. An operation that takes a form is OAuth's, where a parameter that nobody knows is
/// ignored wherever it stands (RFC 6749, section 3.2).
fn takes_query(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    let documented = parameters.any(
        |parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query),
    );
    let form = |body: &RefOr<RequestBody>| matches!(body, RefOr::T(body) if body.content.contains_key("application/x-www-form-urlencoded"));
    documented || operation.request_body.as_ref().is_some_and(form)
}

/// The problems that an operation may answer by being mounted, whatever its handler does.
fn generic_problems(path: &str, access: &Access, operation: &Operation) -> Vec<ProblemType> {
    let mut kinds = vec![
        ProblemType::MalformedRequest,
        ProblemType::RateLimited,
        ProblemType::RequestTimeout,
        ProblemType::Unavailable,
        ProblemType::Internal,
    ];
    if path.contains('{') {
        kinds.push(ProblemType::NotFound);
    }
    if operation.request_body.is_some() {
        kinds.extend([ProblemType::RequestTooLarge, ProblemType::UnsupportedMediaType]);
    }
    if access.takes_credentials() {
        kinds.extend([
            ProblemType::Unauthenticated,
            ProblemType::UseDpopNonce,
            ProblemType::Forbidden,
        ]);
    }
    kinds
}

/// The proof is a parameter; `Authorization` is the security scheme's (OpenAPI forbids it as a parameter).
fn add_dpop_headers(operation: &mut Operation) {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let proof = ParameterBuilder::new()
        .name("DPoP")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Proof of possession for this very request, RFC 9449 section 4.2; not with a token that is bound to a client \
             certificate.",
        ))
        .schema(Some(text()))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(proof));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let nonce = HeaderBuilder::new()
                .description(Some("The nonce for the next proof."))
                .schema(Some(text()));
            response
                .headers
                .insert("DPoP-Nonce".into(), RefOr::T(nonce.build()));
        }
    }
}

fn answers(operation: &Operation) -> impl Iterator<Item = &Response> {
    operation
        .responses
        .responses
        .values()
        .filter_map(|response| match response {
            RefOr::T(response) => Some(response),
            RefOr::Ref(_) => None,
        })
}

/// What is sent in the request and in the answers that succeed.
fn bodies(operation: &Operation) -> impl Iterator<Item = &Content> {
    let request = match &operation.request_body {
        Some(RefOr::T(body)) => Some(body.content.values()),
        _ => None,
    };
    let successes = operation
        .responses
        .responses
        .iter()
        .filter(|(status, _)| status.starts_with('2'));
    let answers = successes.filter_map(|(_, response)| match response {
        RefOr::T(response) => Some(response.content.values()),
        RefOr::Ref(_) => None,
    });
    let contents = request.into_iter().flatten().chain(answers.flatten());
    contents.filter_map(|content| match content {
        RefOr::T(content) => Some(content),
        RefOr::Ref(_) => None,
    })
}

fn has_example(content: &Content, components: &Components) -> bool {
    content.example.is_some()
        || !content.examples.is_empty()
        || content
            .schema
            .as_ref()
            .and_then(|schema| resolve(schema, components))
            .is_some_and(schema_has_example)
}

fn resolve<'a>(schema: &'a RefOr<Schema>, components: &'a Components) -> Option<&'a Schema> {
    match schema {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(reference) => {
            let name = reference.ref_location.strip_prefix("#/components/schemas/")?;
            match components.schemas.get(name)? {
                RefOr::T(schema) => Some(schema),
                RefOr::Ref(_) => None,
            }
        }
    }
}

fn schema_has_example(schema: &Schema) -> bool {
    match schema {
        Schema::Object(object) => object.example.is_some() || !object.examples.is_empty(),
        Schema::Array(array) => array.example.is_some() || !array.examples.is_empty(),
        Schema::OneOf(one) => one.example.is_some() || !one.examples.is_empty(),
        Schema::AllOf(all) => all.example.is_some() || !all.examples.is_empty(),
        Schema::AnyOf(any) => any.example.is_some() || !any.examples.is_empty(),
        _ => false,
    }
}

fn problem_schema() -> ObjectBuilder {
    let text = |description: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(description))
    };
    let slugs = ProblemType::ALL.iter().map(|kind| kind.slug());
    ObjectBuilder::new()
        .description(Some(
            "Problem details, RFC 9457; `code` is the last part of `type`.",
        ))
        .property("type", text("`/problems/<code>`, where a page says what to do."))
        .required("type")
        .property("title", text("The summary, the same at every occurrence."))
        .required("title")
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .required("status")
        .property("code", text("The type's stable name.").enum_values(Some(slugs)))
        .required("code")
        .property("detail", text("What is particular to this occurrence."))
        .property("instance", text("A reference to this occurrence."))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .examples([json!(Problem::new(ProblemType::NotFound))])
}
