use cyberid_protocol::problem::{Problem, ProblemType};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::testing::PlatformDouble;

#[tokio::test]
async fn a_problem_comes_back_as_a_value() {
    let platform = PlatformDouble::start().await;
    let stated = Problem::new(ProblemType::OverAsking).with("checks", json!(["age_over_21"]));
    platform.script(
        "POST /v1/verifications",
        403,
        serde_json::to_string(&stated).unwrap(),
    );
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.post::<_, Value>("/v1/verifications", &json!({})).await;
    assert_eq!(answer, Err(ClientError::Problem(Box::new(stated))));
}

#[tokio::test]
async fn a_problem_under_another_status_is_not_believed() {
    let platform = PlatformDouble::start().await;
    let stated = serde_json::to_string(&Problem::new(ProblemType::OverAsking)).unwrap();
    platform.script("GET /v1/me", 502, stated);
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.get::<Value>("/v1/me").await;
    assert_eq!(answer, Err(ClientError::Unexpected { status: 502 }));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /v1/me", 307, "/v1/elsewhere");
    platform.script("GET /v1/elsewhere", 200, "{}");
    let client = Client::new(&platform.issuer).unwrap();
    let answer = client.get_bytes("/v1/me").await;
    assert_eq!(answer, Err(ClientError::Unexpected { status: 307 }));
    assert!(platform.received("GET /v1/elsewhere").is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /long", 200, "x".repeat(1025));
    platform.script("GET /short", 200, "x".repeat(1024));
    let limits = Limits {
        answer: 1024,
        ..Limits::default()
    };
    let client = Client::with_limits(&platform.issuer, limits).unwrap();
    assert_eq!(
        client.get_bytes("/long").await,
        Err(ClientError::AnswerTooLarge { limit: 1024 })
    );
    assert_eq!(
        client.get_bytes("/short").await.map(|bytes| bytes.len()),
        Ok(1024)
    );
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_unreachable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits {
        total: Duration::from_millis(50),
        ..Limits::default()
    };
    let address = format!("http://{}", silent.local_addr().unwrap());
    let client = Client::with_limits(&address, limits).unwrap();
    let answer = client.get_bytes("/v1/requests/secret").await;
    let Err(ClientError::Unreachable(cause)) = answer else {
        panic!("{answer:?}")
    };
    assert!(!cause.contains("secret"), "{cause}");
}

#[tokio::test]
async fn answers_are_read_strictly() {
    let platform = PlatformDouble::start().await;
    platform.script("GET /twice", 200, r#"{"a":1,"a":2}"#);
    let client = Client::new(&platform.issuer).unwrap();
    assert_eq!(
        client.get::<Value>("/twice").await,
        Err(ClientError::InvalidAnswer)
    );
}

#[tokio::test]
async fn personal_json_arrives_as_it_was_written() {
    let platform = PlatformDouble::start().await;
    platform.script("POST /v1/enrolments", 200, "{}");
    let client = Client::new(&platform.issuer).unwrap();
    let json = Zeroizing::new(br#"{"pin":"52719406"}"#.to_vec());
    client
        .post_personal::<Value>("/v1/enrolments", json)
        .await
        .unwrap();
    let received = platform.received("POST /v1/enrolments");
    assert_eq!(received[0].body, br#"{"pin":"52719406"}"#);
    assert_eq!(received[0].headers["content-type"], "application/json");
}

#[test]
fn only_plain_web_addresses_are_called() {
    for address in [
        "",
        "id.example",
        "file:///etc/passwd",
        "http://u@id.example",
        "http://:p@id.example",
        "http://id.example/?a",
    ] {
        assert_eq!(
            Client::new(address).err(),
            Some(ClientError::InvalidAddress),
            "{address}"
        );
    }
    assert_eq!(
        Client::new("https://id.example/").unwrap().base(),
        "https://id.example"
    );
}

/// A handshake record: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 22;

/// What somebody who is called by this client first hears.
async fn first_byte(client: &Client, scheme: &str) -> u8 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("{scheme}://{}", listener.local_addr().unwrap());
    let client = client.at(&address).unwrap();
    let call = tokio::spawn(async move { client.get_bytes("/").await });
    let heard = listener.accept().await.unwrap().0.read_u8().await.unwrap();
    assert!(matches!(call.await.unwrap(), Err(ClientError::Unreachable(_))));
    heard
}

#[tokio::test]
async fn tls_is_spoken_where_the_address_says_so() {
    for own in ["http://id.example", "https://id.example"] {
        let client = Client::new(own).unwrap();
        assert_eq!(first_byte(&client, "https").await, HANDSHAKE, "{own}");
        assert_eq!(first_byte(&client, "http").await, b'G', "{own}");
    }
}

#[test]
fn whoever_was_to_be_believed_is_not_forgotten_on_the_way_to_tls() {
    let authority = Tls {
        authority: Some(AUTHORITY.into()),
        identity: None,
    };
    let at = |own: &str, other: &str, tls: &Tls| {
        let client = Client::over_tls(own, Limits::default(), tls).unwrap();
        client.at(other).map(|client| client.base().to_owned())
    };
    let (plain, tls) = ("http://id.example", "https://id.example");
    assert_eq!(at(plain, tls, &Tls::default()), Ok(tls.into()));
    assert_eq!(at(plain, tls, &authority), Err(ClientError::InvalidAddress));
    assert_eq!(
        at(tls, "https://log.example", &authority),
        Ok("https://log.example".into())
    );
    assert_eq!(at(tls, plain, &authority), Ok(plain.into()));
    assert_eq!(
        at(plain, "http://log.example", &authority),
        Ok("http://log.example".into())
    );
}

#[test]
fn an_authority_that_is_none_is_refused() {
    let none = Tls {
        authority: Some(b"-----BEGIN CERTIFICATE-----".to_vec()),
        identity: None,
    };
    let client = Client::over_tls("https://id.example", Limits::default(), &none);
    assert_eq!(client.err(), Some(ClientError::Unmade));
}

/// Of an authority whose key nobody has.
const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUakXwRap/DtNYh4Tg4egQAW9sSsswCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYXV0aG9yaXR5LmV4YW1wbGUwIBcNMjYxMTIzMjEwNDI0WhgP
MjEyNjEwMzAyMTA0MjRaMBwxGjAYBgNVBAMMEWF1dGhvcml0eS5leGFtcGxlMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELyN7Px2J/rJtY92bZsEYm1Q9BUt0ou9a
daPRJgU9v8sTmTHH+/BtRGR1fbdgCphDwWkcDy6CE3eX7sfYYmT0yKNTMFEwHQYD
VR0OBBYEFKOyfzxHFymwYNax26qhF48XbRXlMB8GA1UdIwQYMBaAFKOyfzxHFymw
YNax26qhF48XbRXlMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
dP6kBzd4Ob3zdqQ0ZTiwc4zlJ+buf/ANN1joVbwzoZwCIQCPAT0zWOhphEIKyTRW
hx48tXzmaVZuadVbqRvIDIguuA==
-----END CERTIFICATE-----
";
