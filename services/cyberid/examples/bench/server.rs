//! The platform on a core of its own: the real executable, with what stands around it in other processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cyberid_client::Client;

use crate::around::Around;
use crate::core;
use crate::load::Tls;
use crate::process::{Process, executable, free_address, watched};

/// How long a start may take.
const START: Duration = Duration::from_mins(1);

/// Where measurements keep what they need.
pub(crate) const FOLDER: &str = "target/bench";

/// What a watched platform has run, as callgrind tells it.
pub(crate) const TOLD: &str = "target/bench/callgrind.out";

/// Names the certificate authority to every TLS client of a process, as OpenSSL documents it.
const AUTHORITY: &str = "SSL_CERT_FILE";

/// How a platform is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// How many people its identity source knows.
    pub(crate) people: usize,
    /// Whether every function that it runs is told to [`TOLD`].
    pub(crate) watched: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            tls: false,
            people: 1,
            watched: false,
        }
    }
}

/// A platform at work.
pub(crate) struct Server {
    process: Process,
    around: Around,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its issuer.
    pub(crate) url: String,
    /// How long it took from its start until it was ready.
    pub(crate) started: Duration,
    tls: bool,
}

/// Builds the executable that is measured.
pub(crate) fn build() {
    let arguments = ["build", "--release", "--package", "cyberid", "--bin", "cyberid"];
    let built = Command::new(env!("CARGO")).args(arguments).status().unwrap();
    assert!(built.success(), "cargo build --release");
}

/// Whether this process runs on its core and trusts the measurement's certificate.
pub(crate) fn is_prepared() -> bool {
    std::env::var_os(AUTHORITY).is_some_and(|file| Path::new(&file).ends_with("bench/tls.pem"))
}

/// Runs this measurement again on its core, with a fresh certificate to trust.
pub(crate) fn again_prepared() -> i32 {
    let folder = Path::new(FOLDER);
    std::fs::create_dir_all(folder).unwrap();
    let certificate = std::path::absolute(folder.join("tls.pem")).unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
        ])
        .arg(folder.join("tls.key"))
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|made| made.success()), "openssl req");
    let status = core::on(core::LOAD, &std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(AUTHORITY, certificate)
        .status();
    status.unwrap().code().unwrap_or(1)
}

impl Server {
    /// Starts the platform on its data, and waits until it is ready.
    pub(crate) async fn start(data: &Path, setting: Setting) -> Self {
        let address = free_address();
        let scheme = if setting.tls { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        std::fs::create_dir_all(data).unwrap();
        let around = Around::start(data, &url, setting.people);
        let config = data.join("bench.toml");
        std::fs::write(&config, configuration(&url, setting.tls) + &around.configuration).unwrap();
        let client = Client::new(&url).unwrap();
        let begun = Instant::now();
        let process = Process::start(&mut command(data, &config, address, setting.watched));
        while client.get_bytes("/readyz").await.is_err() {
            assert!(begun.elapsed() < START, "the server is not ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let started = begun.elapsed();
        while client.get_bytes("/sandbox/keys").await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self {
            process,
            around,
            address,
            url,
            started,
            tls: setting.tls,
        }
    }

    /// How a client speaks TLS with it, if it does.
    pub(crate) fn tls(&self) -> Option<Tls> {
        self.tls.then(Tls::new)
    }

    /// How long it took from its open keystore until it answered, by its own clock.
    pub(crate) async fn answered_after_keys(&self) -> Duration {
        let client = Client::new(&self.url).unwrap();
        Duration::from_secs_f64(gauge(&client, "platform_start_seconds").await.unwrap())
    }

    /// Waits until the holders of so many people are in memory; returns how long that took since the start.
    pub(crate) async fn wait_until_everybody_is_in_memory(&self, people: u32) -> Duration {
        let begun = Instant::now();
        let client = Client::new(&self.url).unwrap();
        loop {
            let known = gauge(&client, "holders_in_memory").await;
            if known.is_some_and(|known| known >= f64::from(people)) {
                return self.started + begun.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The part of a core that it has used since `before`, over this time.
    pub(crate) fn busy_since(&self, before: Duration, elapsed: Duration) -> f64 {
        let used = self.processor_time().saturating_sub(before);
        used.as_secs_f64() / elapsed.as_secs_f64()
    }

    /// The processor time that it has used.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // USER_HZ is 100 on every Linux.
        Duration::from_millis(ticks * 10)
    }

    /// Its resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Stops it, and then what stands around it.
    pub(crate) fn stop(self) {
        self.process.stop();
        self.around.stop();
    }
}

/// A gauge of the platform's, if it has been set.
async fn gauge(client: &Client, name: &str) -> Option<f64> {
    let metrics = String::from_utf8(client.get_bytes("/metrics").await.unwrap()).unwrap();
    let (_, value) = metrics
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(gauge, _)| *gauge == name)?;
    value.parse().ok()
}

fn command(data: &Path, config: &Path, address: SocketAddr, is_watched: bool) -> Command {
    let mut command = if is_watched {
        watched(core::SERVER, Path::new(TOLD))
    } else {
        executable(core::SERVER)
    };
    command
        .args(["serve", "--sandbox"])
        .args(["--listen", &address.to_string()])
        .arg("--data")
        .arg(data)
        .arg("--config")
        .arg(config);
    command
}

fn configuration(url: &str, tls: bool) -> String {
    let folder: PathBuf = std::path::absolute(FOLDER).unwrap();
    let files = if tls {
        format!(
            "[tls]\ncertificate = '{0}/tls.pem'\nkey = '{0}/tls.key'\n",
            folder.display()
        )
    } else {
        String::new()
    };
    format!("issuer = '{url}'\n[quota]\nburst = 1000000\nper_second = 1000000\n{files}")
}
