//! What is asked of a token (PKCS#11 v2.40 and v3.0), and how its answers are read.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cyberid_crypto::aead::NONCE;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::TokenError;
use super::sessions::Desk;

/// The object identifier of P-256 in DER (RFC 5480, section 2.1.1.1).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// The name of Ed25519 in DER: PKCS#11 v3.0, section 2.3.5.
const ED25519: &[u8] = b"\x13\x0cedwards25519";

/// The bits of a tag of AES-GCM.
const TAG_BITS: u64 = 128;

/// What a key pair in a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pair {
    /// ECDSA on P-256.
    Signing,
    /// ECDH on P-256.
    Agreement,
    /// Ed25519.
    Note,
}

/// Makes a key pair that never leaves the token, and gives its public half.
pub(super) fn make_pair(desk: &mut Desk, pair: Pair, id: &str) -> Result<Vec<u8>, TokenError> {
    let (mechanism, curve) = match pair {
        Pair::Signing | Pair::Agreement => (Mechanism::EccKeyPairGen, P256),
        Pair::Note => (Mechanism::EccEdwardsKeyPairGen, ED25519),
    };
    // The public half is wanted once: it does not stay in the token.
    let public = [
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::EcParams(curve.to_vec()),
        Attribute::Verify(pair != Pair::Agreement),
    ];
    let private = [
        &desk.named(id)[..],
        &hidden()[..],
        &[
            Attribute::Sign(pair != Pair::Agreement),
            Attribute::Derive(pair == Pair::Agreement),
        ],
    ]
    .concat();
    let (public, _) = desk.session.generate_key_pair(&mechanism, &public, &private)?;
    let point = point(desk, public);
    desk.session.destroy_object(public)?;
    point
}

/// Makes a secret key that never leaves the token: for HMAC-SHA-256, or for AES-256.
pub(super) fn make_secret(desk: &mut Desk, id: &str, cipher: bool) -> Result<(), TokenError> {
    let mechanism = if cipher {
        Mechanism::AesKeyGen
    } else {
        Mechanism::GenericSecretKeyGen
    };
    let key = [
        &desk.named(id)[..],
        &hidden()[..],
        &[
            Attribute::ValueLen(32.into()),
            Attribute::Encrypt(cipher),
            Attribute::Decrypt(cipher),
            Attribute::Sign(!cipher),
            Attribute::Verify(!cipher),
        ],
    ]
    .concat();
    desk.session.generate_key(&mechanism, &key)?;
    Ok(())
}

/// The ECDSA signature of a digest: `r || s`.
pub(super) fn sign(desk: &mut Desk, id: &str, digest: &[u8]) -> Result<[u8; 64], TokenError> {
    let key = desk.key(id)?;
    let signature = desk.session.sign(&Mechanism::Ecdsa, key, digest)?;
    signature.try_into().map_err(|_| TokenError::Unfit("signature"))
}

/// The Ed25519 signature of a message.
pub(super) fn sign_note(desk: &mut Desk, id: &str, message: &[u8]) -> Result<[u8; 64], TokenError> {
    let key = desk.key(id)?;
    let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
    let signature = desk.session.sign(&mechanism, key, message)?;
    signature.try_into().map_err(|_| TokenError::Unfit("signature"))
}

/// The HMAC-SHA-256 of a message.
pub(super) fn mac(desk: &mut Desk, id: &str, message: &[u8]) -> Result<[u8; 32], TokenError> {
    let key = desk.key(id)?;
    let mac = desk.session.sign(&Mechanism::Sha256Hmac, key, message)?;
    mac.try_into().map_err(|_| TokenError::Unfit("MAC"))
}

/// The x coordinate of the point shared with `peer`, an uncompressed point (SEC 1, section 2.3.3).
pub(super) fn agree(desk: &mut Desk, id: &str, peer: &[u8]) -> Result<Zeroizing<[u8; 32]>, TokenError> {
    let key = desk.key(id)?;
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), peer));
    // It lives in this session only, for as long as it takes to read it.
    let shared = [
        Attribute::Token(false),
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let shared = desk.session.derive_key(&mechanism, key, &shared)?;
    let value = value(desk, shared);
    desk.session.destroy_object(shared)?;
    value
}

/// Encrypts under AES-256-GCM.
pub(super) fn seal(
    desk: &mut Desk,
    id: &str,
    nonce: [u8; NONCE],
    context: &[u8],
    secret: &[u8],
) -> Result<Vec<u8>, TokenError> {
    let (key, mut nonce) = (desk.key(id)?, nonce);
    let mechanism = Mechanism::AesGcm(GcmParams::new(&mut nonce, context, TAG_BITS.into())?);
    Ok(desk.session.encrypt(&mechanism, key, secret)?)
}

/// Decrypts what [`seal`] made.
pub(super) fn unseal(
    desk: &mut Desk,
    id: &str,
    nonce: [u8; NONCE],
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TokenError> {
    let (key, mut nonce) = (desk.key(id)?, nonce);
    let mechanism = Mechanism::AesGcm(GcmParams::new(&mut nonce, context, TAG_BITS.into())?);
    Ok(Zeroizing::new(desk.session.decrypt(&mechanism, key, sealed)?))
}

/// Destroys the private keys whose ids are not among `kept`.
pub(super) fn sweep(desk: &mut Desk, kept: &[String]) -> Result<(), TokenError> {
    for key in desk.private_keys()? {
        let id = desk.session.get_attributes(key, &[AttributeType::Id])?;
        let id = id.into_iter().find_map(|attribute| match attribute {
            Attribute::Id(id) => Some(id),
            _ => None,
        });
        let id = id.ok_or(TokenError::Unfit("id"))?;
        if !kept.iter().any(|kept| kept.as_bytes() == id) {
            desk.destroy(key)?;
        }
    }
    Ok(())
}

/// What keeps a key in the token for good.
fn hidden() -> [Attribute; 4] {
    [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
    ]
}

/// The point of a public key, without the octet string that most tokens wrap it in.
fn point(desk: &Desk, public: ObjectHandle) -> Result<Vec<u8>, TokenError> {
    let attributes = desk.session.get_attributes(public, &[AttributeType::EcPoint])?;
    let point = attributes.into_iter().find_map(|attribute| match attribute {
        Attribute::EcPoint(point) => Some(point),
        _ => None,
    });
    let point = point.ok_or(TokenError::Unfit("public key"))?;
    Ok(match point.as_slice() {
        [0x04, length, rest @ ..] if rest.len() == usize::from(*length) => rest.to_vec(),
        _ => point,
    })
}

fn value(desk: &Desk, key: ObjectHandle) -> Result<Zeroizing<[u8; 32]>, TokenError> {
    for attribute in desk.session.get_attributes(key, &[AttributeType::Value])? {
        if let Attribute::Value(mut bytes) = attribute {
            let value = bytes.as_slice().try_into().map(Zeroizing::new);
            bytes.zeroize();
            return value.map_err(|_| TokenError::Unfit("shared secret"));
        }
    }
    Err(TokenError::Unfit("shared secret"))
}
