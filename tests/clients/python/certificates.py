"""Makes what a test of mutual TLS needs: certificates.py FOLDER

An authority (ca.pem), and under it a server for localhost and two clients: server, client and other, each .pem and .key.
"""
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(name, key, issuer=None):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, signer_key = issuer or (subject, key)
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key())
    return builder.add_extension(identifier, critical=False).sign(signer_key, hashes.SHA256())


def main(folder):
    authority = ec.generate_private_key(ec.SECP256R1())
    root = certificate("authority.test", authority)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    for file, name in [("server", "localhost"), ("client", "client.test"), ("other", "other.test")]:
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(name, key, (root.subject, authority))
        (folder / f"{file}.pem").write_bytes(made.public_bytes(pem))
        plain = serialization.NoEncryption()
        (folder / f"{file}.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
