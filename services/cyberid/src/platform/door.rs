//! A process's door: the bound socket, the name it is known by, and serving until told to stop.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use cyberid_web::Server;
use cyberid_web::server::{ClientCa, Limits, Tls};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::StartError;
use super::config::{ConfigError, ConfigFile, DEFAULT_LISTEN, TlsFiles, require_private};

/// A bound door that nobody answers at yet.
pub(crate) struct Door {
    /// The issuer, or the process's address, without a slash at its end.
    pub(crate) issuer: String,
    /// Where it is bound.
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsFiles>,
    clients: Option<ClientCa>,
}

impl Door {
    /// Binds where the caller or the file says. A plain connection is for loopback, or behind a proxy that is
    /// said to bring TLS.
    pub(crate) async fn bind(file: &ConfigFile, listen: Option<SocketAddr>) -> Result<Self, StartError> {
        let wanted = listen.or(file.listen).unwrap_or(DEFAULT_LISTEN);
        if !(wanted.ip().is_loopback() || file.tls.is_some() || file.behind_tls_proxy) {
            let why = "beyond loopback it needs `[tls]`, or `behind_tls_proxy = true` where something else brings TLS";
            return Err(ConfigError::Unusable {
                member: "listen",
                why,
            }
            .into());
        }
        let clients = file.tls.as_ref().map(TlsFiles::client_ca).transpose()?.flatten();
        let (listener, address) = bind(wanted).await?;
        let scheme = if file.tls.is_some() { "https" } else { "http" };
        let issuer = file
            .issuer
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{address}"));
        let issuer = issuer.trim_end_matches('/').to_owned();
        require_private("issuer", &issuer)?;
        Ok(Self {
            issuer,
            address,
            listener,
            tls: file.tls.clone(),
            clients,
        })
    }

    /// Binds a loopback port of the system's choice: for what is reached from this process only.
    pub(crate) async fn bind_inside() -> Result<Self, StartError> {
        let (listener, address) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        Ok(Self {
            issuer: format!("http://{address}"),
            address,
            listener,
            tls: None,
            clients: None,
        })
    }

    /// Whether a client can show a certificate, for its token to be bound to.
    pub(crate) fn takes_client_certificates(&self) -> bool {
        self.clients.is_some()
    }

    /// Accepts the door of a key holder: whoever reaches it from elsewhere has to show a certificate. It follows what a holder
    /// signed, and a holder who could reach it would have their record destroyed or numbered anew there and go on with their
    /// identifier, past every order (T8).
    pub(crate) fn require_known_callers(&self) -> Result<(), ConfigError> {
        let required = self.clients.as_ref().is_some_and(|clients| clients.required);
        if self.tls.is_none() || required {
            return Ok(());
        }
        Err(ConfigError::Unusable {
            member: "tls",
            why: "a key holder answers the platform and the vault only: say whose certificates by `client_ca`, and \
                  `client_certificates = \"required\"`",
        })
    }

    /// Answers with `router` from now on.
    pub(crate) fn answer(self, router: Router, stop: &Stop) -> Result<Serving, StartError> {
        let tls = self
            .tls
            .as_ref()
            .map(|files| Tls::load(&files.certificate, &files.key, self.clients.as_ref()));
        let tls = tls
            .transpose()
            .map_err(|error| StartError::other("the TLS files cannot be used")(error.into()))?;
        let server = Server {
            limits: Limits::default(),
            tls,
        };
        let told = stop.told();
        let task = tokio::spawn(server.serve(self.listener, router, told));
        Ok(Serving {
            address: self.address,
            issuer: self.issuer,
            task,
        })
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |cause| StartError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// A server at work.
pub(crate) struct Serving {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Under which name.
    pub(crate) issuer: String,
    task: JoinHandle<std::io::Result<()>>,
}

impl Serving {
    /// Does this too, once the server has finished what it had begun: stores are closed after the last who uses them.
    pub(crate) fn then(self, closing: impl Future<Output = ()> + Send + 'static) -> Self {
        let serving = self.task;
        let task = tokio::spawn(async move {
            let served = serving.await;
            closing.await;
            served.unwrap_or(Ok(()))
        });
        Self { task, ..self }
    }

    /// Waits until the server has finished what it had begun.
    pub(crate) async fn finished(self) {
        // A server task that panicked has nothing left to finish.
        let _ = self.task.await;
    }
}

/// Tells servers and tasks to stop, once.
#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody is told yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells everybody.
    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Completes when told.
    pub(crate) fn told(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // A sender that is gone tells as well.
            let _ = receiver.wait_for(|stopped| *stopped).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T8: nobody brings a key holder their own word past the platform.
    #[tokio::test]
    async fn a_key_holders_door_is_open_to_nobody_without_a_certificate() {
        let files = "certificate = 'c', key = 'k'";
        let clients = |wanted: &str| format!("{files}, client_ca = 'a', client_certificates = '{wanted}'");
        for (tls, accepted) in [
            (None, true),
            (Some(files.to_owned()), false),
            (Some(clients("optional")), false),
            (Some(clients("required")), true),
        ] {
            let tls = tls.map(|tls| format!("tls = {{ {tls} }}\n")).unwrap_or_default();
            let file = toml::from_str(&format!("listen = '127.0.0.1:0'\n{tls}")).unwrap();
            let door = Door::bind(&file, None).await.unwrap();
            assert_eq!(door.require_known_callers().is_ok(), accepted, "{tls}");
        }
    }

    async fn door(text: &str) -> Result<String, StartError> {
        Door::bind(&toml::from_str(text).unwrap(), None)
            .await
            .map(|door| door.issuer)
    }

    #[tokio::test]
    async fn a_plain_door_opens_on_loopback_only() {
        assert!(
            door("listen = \"127.0.0.1:0\"")
                .await
                .unwrap()
                .starts_with("http://127.0.0.1:")
        );
        assert!(door("listen = \"0.0.0.0:0\"").await.is_err());
        assert!(
            door("listen = \"0.0.0.0:0\"\nbehind_tls_proxy = true")
                .await
                .is_err(),
            "a plain issuer"
        );
        let text = "listen = \"0.0.0.0:0\"\nissuer = \"https://id.example/\"\nbehind_tls_proxy = true";
        assert_eq!(door(text).await.unwrap(), "https://id.example");
        assert!(
            door("listen = \"127.0.0.1:0\"\nissuer = \"http://id.example\"")
                .await
                .is_err()
        );
    }
}
