//! Every status of tlog-witness, add-checkpoint, on a real connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const PLAIN: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

/// What is sent, and what has to come back: status, content type and, where the text fixes it, the body.
struct Row {
    what: &'static str,
    body: Vec<u8>,
    status: u16,
    content_type: &'static str,
    says: Option<&'static str>,
}

fn row(what: &'static str, body: impl Into<Vec<u8>>, status: u16) -> Row {
    let (content_type, says) = match status {
        409 => (SIZE, Some("5\n")),
        413 => ("application/problem+json", None),
        _ => (PLAIN, None),
    };
    let body = body.into();
    Row {
        what,
        body,
        status,
        content_type,
        says,
    }
}

/// Refusals of a witness that cosigned five leaves of the true history.
fn refusals() -> Vec<Row> {
    let request = |history: History, old, new| history.request(old, new).to_string();
    let good = request(TRUE, 5, 9);
    let with_proof = |hashes: usize| {
        let (head, note) = good.split_once("\n\n").unwrap();
        let old = head.lines().next().unwrap();
        let line = format!("\n{}", TRUE.root(0..1).to_base64());
        format!("{old}{}\n\n{note}", line.repeat(hashes))
    };
    let stranger = Ed25519Signer::from_seed("other.example", &[1; 32]).ok().unwrap();
    let other_log = SignedNote::sign("other.example\n5\nx\n", &stranger).unwrap();
    let thief = Ed25519Signer::from_seed(ORIGIN, &[9; 32]).ok().unwrap();
    let forged = SignedNote::sign(TRUE.checkpoint(9).note().text(), &thief).unwrap();
    let nonsense = SignedNote::sign(&format!("{ORIGIN}\nnine\n"), &log_key()).unwrap();
    let zero = format!("{ORIGIN}\n0\n{}\n", TRUE.root(0..1).to_base64());
    let zero = SignedNote::sign(&zero, &log_key()).unwrap();
    vec![
        row("nothing", "", 400),
        row("no UTF-8", b"old 5\n\n\xff\n".to_vec(), 400),
        row("no old line", good.replacen("old 5\n", "", 1), 400),
        row("a leading zero", good.replacen("old 5", "old 05", 1), 400),
        row("a sign", good.replacen("old 5", "old +5", 1), 400),
        row(
            "a hash that is none",
            good.replacen("old 5\n", "old 5\nAAAA\n", 1),
            400,
        ),
        row("64 hashes", with_proof(64), 400),
        row("an unterminated last line", good.trim_end(), 400),
        row("a checkpoint that is none", format!("old 5\n\n{nonsense}"), 400),
        row("an old size above the new one", request(TRUE, 9, 6), 400),
        row("another log", format!("old 0\n\n{other_log}"), 404),
        row("another key", format!("old 5\n\n{forged}"), 403),
        row("an altered checkpoint", good.replacen("\n9\n", "\n8\n", 1), 403),
        row("an old size below the last", request(TRUE, 3, 9), 409),
        row("an old size of zero", request(TRUE, 0, 9), 409),
        row("an old size above the last", request(TRUE, 7, 9), 409),
        row("a shrunk log", request(TRUE, 3, 3), 409),
        row("another root at the same size", request(FORK, 5, 5), 409),
        row("another history", request(FORK, 5, 9), 422),
        row("63 wrong hashes", with_proof(63), 422),
        row("no proof", with_proof(0), 422),
        row("an empty tree with leaves", format!("old 0\n\n{zero}"), 422),
        row("too much", vec![b'x'; 64 * 1024 + 1], 413),
    ]
}

#[tokio::test]
async fn each_status_has_its_own_cause() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let address = serve(&setting).await;
    for row in refusals() {
        let answer = post(address, &row.body).await;
        let got = (answer.status, answer.content_type.as_str());
        assert_eq!(got, (row.status, row.content_type), "{}", row.what);
        assert!(!answer.body.contains('\u{2014}'), "{} is signed", row.what);
        if let Some(says) = row.says {
            assert_eq!(answer.body, says, "{}", row.what);
        }
    }
    let good = TRUE.request(5, 9);
    let answer = post(address, good.to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, PLAIN));
    let (mut checkpoint, key) = (TRUE.checkpoint(9), setting.witness.verifier_key());
    assert_eq!(accept_response(&mut checkpoint, &answer.body, key), Ok(true));
    // Sent again, as by a log that lost the answer.
    let again = post(address, good.to_string().as_bytes()).await;
    assert_eq!((again.status, again.body.as_str()), (409, "9\n"));
    let again = post(address, TRUE.request(9, 9).to_string().as_bytes()).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn only_a_post_submits() {
    let setting = Setting::new();
    let address = serve(&setting).await;
    let answer = send(
        address,
        b"GET /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.status, 405);
}

async fn serve(setting: &Setting) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = cyberid_web::Server::default();
    tokio::spawn(server.serve(listener, setting.router(), std::future::pending()));
    address
}

async fn post(address: std::net::SocketAddr, body: &[u8]) -> Answer {
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    send(address, &[head.as_bytes(), body].concat()).await
}

async fn send(address: std::net::SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: "));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: body.to_owned(),
    }
}
