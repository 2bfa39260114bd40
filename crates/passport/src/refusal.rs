//! Why a chip's data are not believed. Values, so that a test names the one reason it expects; none of them is personal.

use crate::mrz::MrzFault;

/// A file of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// EF.SOD, the document security object.
    Sod,
    /// EF.DG1, the machine-readable zone.
    Dg1,
    /// EF.DG2, the face.
    Dg2,
}

/// A certificate of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cert {
    /// The document signer's (DSC).
    Signer,
    /// The country signing authority's (CSCA).
    Authority,
}

/// Why a chip's data are not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A file is longer than such a file is.
    #[error("{0:?} is longer than such a file is")]
    TooLong(File),
    /// A file is not of its form, ends early, or goes on after its end.
    #[error("{0:?} is not of its form")]
    Malformed(File),
    /// The security object is not CMS `SignedData` of the version that part 10 asks for.
    #[error("not signed data")]
    NotSignedData,
    /// What is signed is not an LDS security object (OID 2.23.136.1.1.1).
    #[error("what is signed is not an LDS security object")]
    NotASecurityObject,
    /// There is not exactly one signature.
    #[error("not exactly one signature")]
    Signatures,
    /// There is not exactly one certificate, the signer's.
    #[error("not exactly one certificate")]
    Certificates,
    /// The certificate is not the one that the signature names.
    #[error("the signature names another certificate")]
    OtherSigner,
    /// Nothing says what the signature covers.
    #[error("without signed attributes")]
    NoSignedAttributes,
    /// The signed attribute `contentType` is missing, there twice, or another type.
    #[error("the signed content type is not that of the content")]
    SignedContentType,
    /// The signed attribute `messageDigest` is missing or there twice.
    #[error("without one signed message digest")]
    NoMessageDigest,
    /// The content is not what was signed.
    #[error("the signed digest is not that of the content")]
    MessageDigest,
    /// The security object is of a version that is not known, or lacks what its version has.
    #[error("an unknown version of the security object")]
    LdsVersion,
    /// A data group outside 1 to 16, or there twice.
    #[error("data group {0} is no data group, or there twice")]
    Group(u64),
    /// The state signed no hash of this data group.
    #[error("the state signed no data group {0}")]
    GroupMissing(u8),
    /// A data group is not what the state signed.
    #[error("data group {0} is not what the state signed")]
    GroupAltered(u8),
    /// A hash that is weak: MD5, SHA-1 or SHA-224.
    #[error("a weak hash")]
    WeakHash,
    /// An RSA key below 2048 bits.
    #[error("a weak key")]
    WeakKey,
    /// An algorithm, key or curve that this platform does not know.
    #[error("an unknown algorithm, key or curve")]
    UnknownAlgorithm,
    /// The security object is not signed by its signer's key.
    #[error("the security object's signature is wrong")]
    ObjectSignature,
    /// The signer's certificate is signed by no pinned authority of its issuer's name.
    #[error("no pinned authority signed the signer's certificate")]
    UnknownAuthority,
    /// The signer vouches for itself, or is an authority.
    #[error("the signer vouches for itself")]
    SelfSigned,
    /// A certificate may not do what it is used for: version, basic constraints, key usage, extended key usage.
    #[error("the certificate of {0:?} may not be used so")]
    NotForThis(Cert),
    /// A critical extension that is not known.
    #[error("the certificate of {0:?} has a critical extension that is not known")]
    CriticalExtension(Cert),
    /// A certificate is not valid at this time.
    #[error("the certificate of {0:?} is not valid at this time")]
    NotNow(Cert),
    /// The signer's certificate was revoked.
    #[error("the signer's certificate was revoked")]
    Revoked,
    /// The authority's revocation list is out of date.
    #[error("the revocation list is out of date")]
    StaleRevocation,
    /// The country that signed is not the one that issued.
    #[error("signed by another country than the one that issued")]
    OtherCountry,
    /// The signer may not sign this kind of document.
    #[error("the signer may not sign this kind of document")]
    OtherDocumentType,
    /// The machine-readable zone is wrong.
    #[error(transparent)]
    Mrz(#[from] MrzFault),
    /// The document has expired.
    #[error("the document has expired")]
    DocumentExpired,
}
