//! What a caller hears when the request is not as documented, and from the operations of every process.

use std::time::Duration;

use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_web::telemetry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Platform, problem};

#[tokio::test]
async fn a_good_request_is_answered_and_not_stored() {
    let platform = Platform::start().await;
    let answer = platform
        .post("/echo", "application/json", r#"{"word":"网"}"#)
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.text().await.unwrap(), r#"{"word":"网"}"#);
}

#[tokio::test]
async fn a_bad_body_is_refused_by_its_fault() {
    let platform = Platform::start().await;
    for (body, reason) in [
        ("{", "syntax"),
        (r#"{"word":"a","word":"b"}"#, "duplicate"),
        (r#"{"word":"a","other":1}"#, "shape"),
        ("{}", "shape"),
        (r#"["a"]"#, "shape"),
        ("\u{feff}{}", "syntax"),
    ] {
        let answer = platform.post("/echo", "application/json", body).await;
        let expected = Problem::new(ProblemType::MalformedRequest).with("reason", reason);
        assert_eq!(problem(answer).await, expected, "{body}");
    }
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let platform = Platform::start().await;
    let answer = platform.post("/echo", "text/plain", r#"{"word":"a"}"#).await;
    assert_eq!(problem(answer).await.kind, ProblemType::UnsupportedMediaType);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let platform = Platform::start().await;
    let answer = platform.get("/nowhere").await;
    assert_eq!(problem(answer).await.kind, ProblemType::NotFound);
    let answer = platform.get("/echo").await;
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(problem(answer).await.kind, ProblemType::MethodNotAllowed);
}

#[tokio::test]
async fn what_does_not_parse_in_the_path_is_not_found() {
    let platform = Platform::start().await;
    assert_eq!(platform.get("/items/7").await.text().await.unwrap(), "7");
    for path in ["/items/seven", "/items/256", "/items/%FF"] {
        let answer = platform.get(path).await;
        assert_eq!(problem(answer).await.kind, ProblemType::NotFound, "{path}");
    }
}

#[tokio::test]
async fn a_query_outside_the_documentation_is_malformed() {
    let platform = Platform::start().await;
    assert_eq!(platform.get("/page?limit=7").await.text().await.unwrap(), "7");
    for path in [
        "/page",
        "/page?limit=7&limit=8",
        "/page?limit=7&x=1",
        "/page?limit=x",
    ] {
        let answer = platform.get(path).await;
        assert_eq!(
            problem(answer).await.kind,
            ProblemType::MalformedRequest,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_and_ends_nothing() {
    let platform = Platform::start().await;
    let answer = platform.get("/panics").await;
    assert_eq!(problem(answer).await, Problem::new(ProblemType::Internal));
    assert_eq!(platform.get("/items/7").await.status(), 200);
}

#[tokio::test]
async fn the_process_lives_and_is_not_ready_without_saying_why() {
    let platform = Platform::start().await;
    assert_eq!(
        platform.get("/healthz").await.text().await.unwrap(),
        r#"{"status":"ok"}"#
    );
    let answer = platform.get("/readyz").await;
    assert_eq!(problem(answer).await, Problem::new(ProblemType::Unavailable));
}

#[tokio::test]
async fn every_problem_leads_to_its_page() {
    let platform = Platform::start().await;
    for kind in ProblemType::ALL {
        let answer = platform.get(&format!("/problems/{kind}")).await;
        assert_eq!(answer.headers()["content-type"], "text/markdown; charset=utf-8");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=3600");
        let page = answer.text().await.unwrap();
        assert!(page.starts_with(&format!("# {}", kind.title())), "{kind}");
        assert!(page.contains("重试"), "{kind}");
    }
    let accepting = async |accept: &str| {
        let request = reqwest::Client::new().get(platform.url("/problems/not-found"));
        let answer = request.header("accept", accept).send().await.unwrap();
        assert_eq!(answer.headers()["vary"], "accept");
        answer.headers()["content-type"].to_str().unwrap().to_owned()
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    assert_eq!(accepting(browser).await, "text/html; charset=utf-8");
    for other in ["*/*", "text/markdown", "application/json", "text/html;q=0, */*"] {
        assert_eq!(accepting(other).await, "text/markdown; charset=utf-8", "{other}");
    }
    let request = reqwest::Client::new().get(platform.url("/problems/rate-limited"));
    let answer = request.header("accept", browser).send().await.unwrap();
    assert_eq!(
        answer.headers()["content-security-policy"],
        "default-src 'none'; frame-ancestors 'none'"
    );
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let page = answer.text().await.unwrap();
    assert!(page.contains("<h1>Too many requests</h1>") && page.contains("<h2>请求过多</h2>"));
    let answer = platform.get("/problems/made-up").await;
    assert_eq!(problem(answer).await.kind, ProblemType::NotFound);
}

#[tokio::test]
async fn metrics_name_routes_and_never_paths() {
    telemetry::begin_metrics().unwrap();
    let platform = Platform::start().await;
    platform.get("/items/77").await;
    platform.get("/nowhere/near").await;
    platform.post("/items/77", "application/json", "{}").await;
    let metrics = platform.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains(r#"http_requests_total{route="/items/{number}",method="GET",status="200"}"#));
    assert!(metrics.contains(r#"http_requests_total{route="unmatched",method="GET",status="404"}"#));
    assert!(metrics.contains(r#"http_requests_total{route="/items/{number}",method="POST",status="405"}"#));
    assert!(metrics.contains(r#"http_request_seconds_bucket{route="/items/{number}",method="GET",le="30"}"#));
    assert!(metrics.contains("http_requests_in_flight"));
    assert!(
        !metrics.contains("items/77") && !metrics.contains("near"),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_was_asked_is_done_though_the_client_says_no_more() {
    let platform = Platform::start().await;
    let mut stream = TcpStream::connect(platform.address).await.unwrap();
    stream
        .write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    platform.gate.entered.notified().await;
    // The end of what it says arrives while the request is in work.
    tokio::time::sleep(Duration::from_millis(50)).await;
    platform.gate.open.notify_one();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("open"),
        "{answer}"
    );
}
