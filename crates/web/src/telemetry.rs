//! What the process says about itself: log lines and metrics. Neither holds a raw path, a query, a header, a body, or
//! anything that stands for one person or one relying party.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::Method;
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::time::Instant;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, fmt};

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object for each line: for machines.
    #[default]
    Json,
    /// For people at a terminal.
    Pretty,
}

/// Why telemetry did not begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("the log filter is not valid")]
    Filter(#[from] ParseError),
    /// Another subscriber was there first.
    #[error("logging was begun before")]
    Log(#[from] TryInitError),
    /// Another recorder was there first.
    #[error("metrics were begun before")]
    Metrics(#[from] BuildError),
    /// The thread that sums up what was measured cannot be started.
    #[error("the thread of the metrics cannot be started")]
    Thread(#[from] io::Error),
}

/// Upper bounds of the histogram's buckets, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// How often measured times are summed up.
const UPKEEP: Duration = Duration::from_secs(5);

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins logging to standard error, and counting; once in a process. Standard output is for what a program says.
///
/// `filter` is of the form of `RUST_LOG`: `info`, or `warn,cyberid_web=debug`.
pub fn init(format: Format, filter: &str) -> Result<(), InitError> {
    let filter = EnvFilter::try_new(filter)?;
    let log = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        Format::Json => log.json().flatten_event(true).finish().try_init()?,
        Format::Pretty => log.finish().try_init()?,
    }
    begin_metrics()
}

/// Begins counting; once in a process.
pub fn begin_metrics() -> Result<(), InitError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .install_recorder()?;
    let handle = METRICS.get_or_init(|| handle);
    // Measured times are kept one by one until they are summed up, and nobody may ever look.
    std::thread::Builder::new().name("metrics".into()).spawn(|| {
        loop {
            handle.run_upkeep();
            std::thread::sleep(UPKEEP);
        }
    })?;
    Ok(())
}

/// The metrics in the Prometheus text format; empty before [`init`].
pub(crate) fn render_metrics() -> String {
    METRICS.get().map_or_else(String::new, PrometheusHandle::render)
}

/// The route that a request takes, which the router inside tells who observes the request.
#[derive(Clone, Default)]
struct Route(Arc<OnceLock<MatchedPath>>);

/// Tells who observes a request which route it took. A mount does so itself; what stands around one and answers in its place
/// does it here.
pub fn tell_route(request: &Request) {
    let extensions = request.extensions();
    if let (Some(Route(route)), Some(taken)) = (extensions.get(), extensions.get::<MatchedPath>()) {
        // It is told once.
        let _ = route.set(taken.clone());
    }
}

/// A request that is being answered; when it is, that is logged and counted.
pub(crate) struct Observed {
    route: Route,
    method: &'static str,
    start: Instant,
    in_flight: InFlight,
}

impl Observed {
    pub(crate) fn begin(request: &mut Request) -> Self {
        let route = Route::default();
        request.extensions_mut().insert(route.clone());
        Self {
            route,
            method: method_label(request.method()),
            start: Instant::now(),
            in_flight: InFlight::begin(),
        }
    }

    pub(crate) fn end(self, response: &Response) {
        drop(self.in_flight);
        // A path that matches no route is never shown.
        let route = self.route.0.get().map_or("unmatched", MatchedPath::as_str);
        record(
            route,
            self.method,
            response.status().as_u16(),
            self.start.elapsed(),
        );
    }
}

fn record(route: &str, method: &'static str, status: u16, took: Duration) {
    tracing::info!(
        method,
        route,
        status,
        duration_ms = took.as_secs_f64() * 1000.0,
        "answered"
    );
    meters(route, method, status, |meters| {
        meters.answers.increment(1);
        meters.seconds.record(took);
    });
}

/// What counts the answers of one route, method and status.
struct Meters {
    answers: Counter,
    seconds: Histogram,
}

type OfRoute = HashMap<(&'static str, u16), Meters>;

/// The meters in use: to make one anew for each answer would cost more than to count. There are as many as routes,
/// methods and statuses in the documents.
static METERS: LazyLock<RwLock<HashMap<String, OfRoute>>> = LazyLock::new(RwLock::default);

fn meters(route: &str, method: &'static str, status: u16, count: impl FnOnce(&Meters)) {
    let kept = METERS.read().unwrap_or_else(PoisonError::into_inner);
    let found = kept
        .get(route)
        .and_then(|of_route| of_route.get(&(method, status)));
    if let Some(found) = found {
        return count(found);
    }
    drop(kept);
    let mut kept = METERS.write().unwrap_or_else(PoisonError::into_inner);
    let of_route = kept.entry(route.to_owned()).or_default();
    count(
        of_route
            .entry((method, status))
            .or_insert_with(|| Meters::new(route, method, status)),
    );
}

impl Meters {
    fn new(route: &str, method: &'static str, status: u16) -> Self {
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.to_string()),
        ];
        Self {
            answers: metrics::counter!("http_requests_total", &labels),
            seconds: metrics::histogram!("http_request_seconds", "route" => route.to_owned(), "method" => method),
        }
    }
}

/// Callers can invent methods without end; labels cannot.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The requests in work. Looked up once: [`init`] comes before any request.
static IN_FLIGHT: LazyLock<Gauge> = LazyLock::new(|| metrics::gauge!("http_requests_in_flight"));

struct InFlight;

impl InFlight {
    fn begin() -> Self {
        IN_FLIGHT.increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;

    use super::*;
    use crate::server::{Hardened, Limits};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_log_line_names_the_route_and_nothing_that_the_caller_sent() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = fmt().json().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let told = async |request: Request| tell_route(&request);
        let router = Router::new().route("/people/{name}", post(told));
        let request = Request::post("/people/zhang?secret=query")
            .header("x-secret", "header")
            .body(Body::from("secret body"))
            .unwrap();
        Hardened::new(router, &Limits::default()).answer(request).await;
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains(r#""route":"/people/{name}""#), "{log}");
        assert!(log.contains(r#""method":"POST""#) && log.contains(r#""status":200"#));
        assert!(!log.contains("zhang") && !log.contains("secret"), "{log}");
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        let error = init(Format::Json, "cyberid=loudly").unwrap_err();
        assert!(matches!(error, InitError::Filter(_)), "{error:?}");
    }
}
