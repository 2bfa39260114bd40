//! Clients that are slow, silent, large or many.

use std::time::Duration;

use cyberid_protocol::problem::ProblemType;
use cyberid_web::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, Platform, problem};

const SHORT: Duration = Duration::from_millis(200);

/// Sends `bytes` and reads until the server closes the connection.
async fn send_and_wait(platform: &Platform, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(platform.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_is_cut_off_while_others_are_served() {
    let platform = Platform::start_limited(Limits {
        header_time: SHORT,
        ..Limits::default()
    })
    .await;
    let slow = send_and_wait(&platform, b"GET /items/7 HTTP/1.1\r\nHost: a\r\nX-");
    let other = async { platform.get("/items/7").await.status() };
    let (slow, other) = tokio::join!(slow, other);
    assert_eq!(other, 200);
    assert!(!slow.contains("200 OK"), "{slow}");
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off() {
    let platform = Platform::start_limited(Limits {
        header_time: SHORT,
        idle_time: SHORT,
        ..Limits::default()
    })
    .await;
    assert_eq!(send_and_wait(&platform, b"").await, "");
    assert_eq!(send_and_wait(&platform, b"PRI * HT").await, "");
    // An HTTP/2 connection without a request: the server's own preface, and then the end.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    assert!(!send_and_wait(&platform, preface).await.contains("200"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_timeout() {
    let platform = Platform::start_limited(Limits {
        body_time: SHORT,
        ..Limits::default()
    })
    .await;
    let answer = send_and_wait(
        &platform,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("/problems/request-timeout"), "{answer}");
}

#[tokio::test]
async fn an_oversize_body_is_refused() {
    let platform = Platform::start().await;
    let word = "a".repeat(64 * 1024);
    let answer = platform
        .post("/echo", "application/json", format!(r#"{{"word":"{word}"}}"#))
        .await;
    assert_eq!(problem(answer).await.kind, ProblemType::RequestTooLarge);
    let fits = "a".repeat(64 * 1024 - r#"{"word":""}"#.len());
    let answer = platform
        .post("/echo", "application/json", format!(r#"{{"word":"{fits}"}}"#))
        .await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_head_of_too_many_fields_or_bytes_is_refused() {
    let platform = Platform::start().await;
    let many = format!("GET /items/7 HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(65));
    assert!(
        send_and_wait(&platform, many.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
    let long = format!("GET /items/7 HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(64 * 1024));
    assert!(
        send_and_wait(&platform, long.as_bytes())
            .await
            .starts_with("HTTP/1.1 431")
    );
}

#[tokio::test]
async fn beyond_the_requests_in_work_the_answer_is_early() {
    let platform = Platform::start_limited(Limits {
        in_flight: 1,
        ..Limits::default()
    })
    .await;
    let first = platform.get("/wait");
    let second = async {
        platform.gate.entered.notified().await;
        let answer = platform.get("/items/7").await;
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(problem(answer).await.kind, ProblemType::Unavailable);
        platform.gate.open.notify_one();
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.text().await.unwrap(), "open");
    assert_eq!(platform.get("/items/7").await.status(), 200);
}

#[tokio::test]
async fn a_handler_that_does_not_answer_is_given_up() {
    let platform = Platform::start_limited(Limits {
        answer_time: SHORT,
        ..Limits::default()
    })
    .await;
    let answer = platform.get("/wait").await;
    assert_eq!(problem(answer).await.kind, ProblemType::Unavailable);
}

#[tokio::test]
async fn beyond_the_connections_a_client_waits_and_is_then_served() {
    let platform = Platform::start_limited(Limits {
        connections: 1,
        idle_time: SHORT,
        ..Limits::default()
    })
    .await;
    let silent = send_and_wait(&platform, b"");
    let (silent, other) = tokio::join!(silent, platform.get("/items/7"));
    assert_eq!(silent, "");
    assert_eq!(other.status(), 200);
}

/// An HTTP/2 frame (RFC 9113, section 4.1) of a short payload.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head = [0, 0, length, kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

/// `GET /items/7` over HTTP/2, with a window (RFC 9113, section 6.9.2) in which no byte of the answer fits.
fn request_without_a_window() -> Vec<u8> {
    let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    // RFC 7541, appendix A: `:method: GET`, `:scheme: http`, then a literal `:path` and `:authority`.
    let fields = [&[0x82, 0x86, 0x04, 8], b"/items/7".as_slice(), &[0x01, 1, b'a']].concat();
    let request = frame(1, 5, 1, &fields);
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(),
        &no_window,
        &request,
    ]
    .concat()
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut_off_and_another_is_served() {
    let platform = Platform::start_limited(Limits {
        in_flight: 1,
        answer_time: SHORT,
        taking_time: SHORT,
        ..Limits::default()
    })
    .await;
    send_and_wait(&platform, &request_without_a_window()).await;
    assert_eq!(platform.get("/items/7").await.status(), 200);
}

#[tokio::test]
async fn an_answer_that_waits_to_be_taken_holds_no_place() {
    let platform = Platform::start_limited(Limits {
        in_flight: 1,
        ..Limits::default()
    })
    .await;
    let mut slow = TcpStream::connect(platform.address).await.unwrap();
    slow.write_all(&request_without_a_window()).await.unwrap();
    // A HEADERS frame on stream 1: the answer is there, and its body waits.
    let answered = async {
        let mut bytes = Vec::new();
        while !bytes
            .windows(8)
            .any(|head| head[0] == 1 && head[2..6] == [0, 0, 0, 1])
        {
            slow.read_buf(&mut bytes).await.unwrap();
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
    assert_eq!(platform.get("/items/7").await.status(), 200);
}

#[tokio::test]
async fn a_connection_that_brought_something_personal_ends_with_its_answer() {
    let platform = Platform::start().await;
    for (path, last) in [("/confide", true), ("/echo", false)] {
        for body in [r#"{"word":"x"}"#, "no JSON"] {
            let answer = platform.post(path, "application/json", body).await;
            let close = answer.headers().get("connection").is_some_and(|it| it == "close");
            assert_eq!(close, last, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_client_is_told_when_its_answer_did_not_wait_for_the_body() {
    let platform = Platform::start().await;
    for head in [
        "content-length: 9",
        "transfer-encoding: chunked",
        "content-length: 99999999",
    ] {
        let request = format!("POST /nothing HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n");
        let answer = send_and_wait(&platform, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(answer.contains("connection: close"), "{head}: {answer}");
    }
}
