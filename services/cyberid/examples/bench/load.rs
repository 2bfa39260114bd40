//! A load of calls that were made beforehand, over keep-alive connections, on one thread that never blocks.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// How many connections share the arrivals of an even load.
const SPARE_CONNECTIONS: usize = 32;

/// TLS 1.3 to a server whose certificate the environment names.
#[derive(Clone)]
pub(crate) struct Tls(SslConnector);

impl Tls {
    pub(crate) fn new() -> Self {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        Self(connector.build())
    }

    async fn connect(&self, stream: TcpStream) -> SslStream<TcpStream> {
        let session: Ssl = self.0.configure().unwrap().into_ssl("127.0.0.1").unwrap();
        let mut stream = SslStream::new(session, stream).unwrap();
        Pin::new(&mut stream).connect().await.unwrap();
        stream
    }
}

/// What a load came to.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) elapsed: Duration,
    pub(crate) answers: usize,
    latencies: Vec<Duration>,
    pub(crate) bodies: Vec<Vec<u8>>,
}

impl Run {
    /// The time in ms within which such a part of the answers came.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = ((sorted.len() - 1) as f64 * part) as usize;
        sorted[at].as_secs_f64() * 1e3
    }

    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }
}

type Calls = Arc<Mutex<VecDeque<(Duration, Vec<u8>)>>>;

/// Each connection makes its next call as soon as the last is answered.
pub(crate) async fn at_once(
    address: SocketAddr,
    tls: Option<Tls>,
    calls: Vec<Vec<u8>>,
    connections: usize,
) -> Run {
    let calls = calls.into_iter().map(|call| (Duration::ZERO, call)).collect();
    make(address, tls, calls, connections).await
}

/// The calls are spread evenly over time, however long the answers take; an answer's time counts from the moment its
/// call was due.
pub(crate) async fn evenly(address: SocketAddr, calls: Vec<Vec<u8>>, per_second: f64) -> Run {
    let due = |at: usize| Duration::from_secs_f64(at as f64 / per_second);
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(at, call)| (due(at), call))
        .collect();
    make(address, None, calls, SPARE_CONNECTIONS).await
}

async fn make(
    address: SocketAddr,
    tls: Option<Tls>,
    calls: VecDeque<(Duration, Vec<u8>)>,
    connections: usize,
) -> Run {
    let calls: Calls = Arc::new(Mutex::new(calls));
    let door = Door { address, tls };
    let mut lines = Vec::new();
    for _ in 0..connections {
        lines.push(door.open().await);
    }
    let begun = Instant::now();
    let awake = tokio::spawn(never_sleep());
    let mut tasks = tokio::task::JoinSet::new();
    for line in lines {
        let (door, calls) = (door.clone(), Arc::clone(&calls));
        tasks.spawn(async move { every_call(&door, line, &calls, begun).await });
    }
    let mut run = Run::default();
    for (latency, body) in tasks.join_all().await.into_iter().flatten() {
        run.latencies.push(latency);
        run.bodies.push(body);
    }
    run.elapsed = begun.elapsed();
    awake.abort();
    run.answers = run.latencies.len();
    run
}

/// Keeps this thread from waiting in the kernel: to wake it there would cost the server's core.
async fn never_sleep() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Where connections are opened.
#[derive(Clone)]
struct Door {
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Door {
    async fn open(&self) -> Line {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match &self.tls {
            Some(tls) => Line::over(Box::new(tls.connect(stream).await)),
            None => Line::over(Box::new(stream)),
        }
    }
}

async fn every_call(door: &Door, mut line: Line, calls: &Calls, begun: Instant) -> Vec<(Duration, Vec<u8>)> {
    let mut answers = Vec::new();
    loop {
        let next = calls.lock().unwrap().pop_front();
        let Some((due, call)) = next else { return answers };
        let mut from = Instant::now();
        if due > Duration::ZERO {
            from = begun + due;
            while Instant::now() < from {
                tokio::task::yield_now().await;
            }
        }
        let answer = line.call(&call).await;
        let took = from.elapsed();
        let body = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{} {body}", answer.status);
        answers.push((took, answer.body));
        if answer.closes {
            line = door.open().await;
        }
    }
}

/// What a connection goes over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A keep-alive connection.
pub(crate) struct Line {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the server takes nothing more on this connection.
    closes: bool,
}

impl Line {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Door { address, tls: None }.open().await
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(8192),
        }
    }

    /// Makes a call and reads its answer whole.
    pub(crate) async fn call(&mut self, call: &[u8]) -> Answer {
        self.stream.write_all(call).await.unwrap();
        self.buffer.clear();
        let end = loop {
            self.read().await;
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
        let status = head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let closes = head.lines().any(|line| line == "connection: close");
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < end + 4 + length {
            self.read().await;
        }
        let body = self.buffer[end + 4..].to_vec();
        Answer { status, body, closes }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
        assert!(read > 0, "the server closed the connection");
    }
}
