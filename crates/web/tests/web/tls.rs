//! TLS 1.3, with and without client certificates made here.

use std::path::Path;
use std::pin::Pin;

use cyberid_web::server::{ClientCa, Limits, Tls};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVersion};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::support::Platform;

struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    /// A certificate for `localhost` that vouches for itself.
    fn self_signed(name: &str) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        let serial = BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap();
        certificate.set_serial_number(&serial).unwrap();
        certificate.set_subject_name(&subject).unwrap();
        certificate.set_issuer_name(&subject).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate
            .set_not_before(&Asn1Time::days_from_now(0).unwrap())
            .unwrap();
        certificate
            .set_not_after(&Asn1Time::days_from_now(1).unwrap())
            .unwrap();
        let authority = BasicConstraints::new().critical().ca().build().unwrap();
        certificate.append_extension(authority).unwrap();
        let context = certificate.x509v3_context(None, None);
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .build(&context)
            .unwrap();
        certificate.append_extension(names).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        Self {
            certificate: certificate.build(),
            key,
        }
    }

    fn write(&self, folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, self.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(&key, self.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (certificate, key)
    }
}

async fn serve(server: &Identity, clients: Option<(&Identity, bool)>) -> Platform {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = server.write(folder.path());
    let clients = clients.map(|(identity, required)| {
        let file = folder.path().join("clients.pem");
        std::fs::write(&file, identity.certificate.to_pem().unwrap()).unwrap();
        ClientCa { file, required }
    });
    let tls = Tls::load(&certificate, &key, clients.as_ref()).unwrap();
    Platform::start_with(Limits::default(), Some(tls), |tokens| tokens).await
}

/// What `GET /certificate` answers over TLS of at most `version`.
async fn ask(
    platform: &Platform,
    server: &Identity,
    version: SslVersion,
    client: Option<&Identity>,
) -> std::io::Result<String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_max_proto_version(Some(version)).unwrap();
    connector
        .cert_store_mut()
        .add_cert(server.certificate.clone())
        .unwrap();
    if let Some(client) = client {
        connector.set_certificate(&client.certificate).unwrap();
        connector.set_private_key(&client.key).unwrap();
    }
    let session: Ssl = connector
        .build()
        .configure()
        .unwrap()
        .into_ssl("localhost")
        .unwrap();
    let stream = TcpStream::connect(platform.address).await?;
    let mut stream = SslStream::new(session, stream).unwrap();
    Pin::new(&mut stream)
        .connect()
        .await
        .map_err(std::io::Error::other)?;
    assert_eq!(stream.ssl().version_str(), "TLSv1.3");
    stream
        .write_all(b"GET /certificate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok(body.into())
}

#[tokio::test]
async fn tls_1_3_is_spoken_and_1_2_refused() {
    let server = Identity::self_signed("localhost");
    let platform = serve(&server, None).await;
    assert_eq!(
        ask(&platform, &server, SslVersion::TLS1_3, None).await.unwrap(),
        "0"
    );
    assert!(ask(&platform, &server, SslVersion::TLS1_2, None).await.is_err());
}

#[tokio::test]
async fn a_required_client_certificate_is_required_and_has_to_be_known() {
    let server = Identity::self_signed("localhost");
    let (client, stranger) = (Identity::self_signed("client"), Identity::self_signed("stranger"));
    let platform = serve(&server, Some((&client, true))).await;
    let ask = |client| ask(&platform, &server, SslVersion::TLS1_3, client);
    assert_eq!(ask(Some(&client)).await.unwrap(), "32");
    assert!(ask(None).await.is_err());
    assert!(ask(Some(&stranger)).await.is_err());
}

#[tokio::test]
async fn an_optional_client_certificate_may_be_absent_and_not_be_foreign() {
    let server = Identity::self_signed("localhost");
    let (client, stranger) = (Identity::self_signed("client"), Identity::self_signed("stranger"));
    let platform = serve(&server, Some((&client, false))).await;
    let ask = |client| ask(&platform, &server, SslVersion::TLS1_3, client);
    assert_eq!(ask(Some(&client)).await.unwrap(), "32");
    assert_eq!(ask(None).await.unwrap(), "0");
    assert!(ask(Some(&stranger)).await.is_err());
}

#[tokio::test]
async fn http_2_is_offered() {
    let server = Identity::self_signed("localhost");
    let platform = serve(&server, None).await;
    let trusted = reqwest::Certificate::from_pem(&server.certificate.to_pem().unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([trusted])
        .resolve("localhost", platform.address)
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/certificate", platform.address.port());
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "0");
}
