//! TLS 1.3 (RFC 8446) and nothing older, with or without client certificates.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use cyberid_crypto::digest;
use openssl::error::ErrorStack;
use openssl::ssl::{
    AlpnError, Ssl, SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod, SslMode, SslOptions, SslRef,
    SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::x509::X509Name;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// The protocols that are offered, best first: RFC 7301, section 3.1.
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";

/// What was read is wiped in OpenSSL's own buffer: `SSL_OP_CLEANSE_PLAINTEXT` of openssl/ssl.h since 3.0, which the
/// binding does not name.
const CLEANSE_PLAINTEXT: SslOptions = SslOptions::from_bits_retain(1 << 1);

/// Whom a client's certificate has to come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCa {
    /// The authorities' certificates, PEM.
    pub file: PathBuf,
    /// Whether a client without a certificate is refused.
    pub required: bool,
}

/// The certificate that a client has shown and proved to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// SHA-256 of its DER form: `x5t#S256` of RFC 8705, section 3.1.
    pub sha256: [u8; 32],
}

/// The files do not make a TLS server.
#[derive(Debug, thiserror::Error)]
#[error("the TLS certificate, key or client authorities cannot be used")]
pub struct TlsError(#[from] ErrorStack);

/// The server's half of TLS.
#[derive(Clone)]
pub struct Tls(SslAcceptor);

impl Tls {
    /// Reads the certificate chain, its private key, and the authorities for client certificates, all PEM files.
    pub fn load(certificate: &Path, key: &Path, clients: Option<&ClientCa>) -> Result<Self, TlsError> {
        let mut tls = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server())?;
        tls.set_min_proto_version(Some(SslVersion::TLS1_3))?;
        tls.set_options(CLEANSE_PLAINTEXT);
        tls.set_mode(SslMode::RELEASE_BUFFERS);
        tls.set_certificate_chain_file(certificate)?;
        tls.set_private_key_file(key, SslFiletype::PEM)?;
        tls.check_private_key()?;
        // Every connection proves itself anew: a ticket would outlive a client's certificate.
        tls.set_num_tickets(0)?;
        tls.set_alpn_select_callback(|_, offered| {
            select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::NOACK)
        });
        match clients {
            Some(clients) => verify_clients(&mut tls, clients)?,
            None => tls.set_verify(SslVerifyMode::NONE),
        }
        Ok(Self(tls.build()))
    }

    /// Shakes hands with a client.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(SslStream<TcpStream>, Option<PeerCertificate>)> {
        let session = Ssl::new(self.0.context())?;
        let mut stream = SslStream::new(session, stream)?;
        Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
        let certificate = peer_certificate(stream.ssl())?;
        Ok((stream, certificate))
    }
}

fn verify_clients(tls: &mut SslAcceptorBuilder, clients: &ClientCa) -> Result<(), ErrorStack> {
    tls.set_ca_file(&clients.file)?;
    tls.set_client_ca_list(X509Name::load_client_ca_file(&clients.file)?);
    let required = if clients.required {
        SslVerifyMode::FAIL_IF_NO_PEER_CERT
    } else {
        SslVerifyMode::empty()
    };
    tls.set_verify(SslVerifyMode::PEER | required);
    Ok(())
}

fn peer_certificate(session: &SslRef) -> Result<Option<PeerCertificate>, ErrorStack> {
    let Some(certificate) = session.peer_certificate() else {
        return Ok(None);
    };
    let sha256 = digest::sha256(&certificate.to_der()?);
    Ok(Some(PeerCertificate { sha256 }))
}
