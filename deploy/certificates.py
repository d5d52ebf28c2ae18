"""Certificates for the links inside the compose network: ``certificates.py FOLDER``.

One authority and one certificate per server, made once and kept; the authority's key is thrown away. The proxy that
faces people has its own, from Caddy.
"""

import datetime
import ipaddress
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVERS = {"postgres": 999, "redis": 999, "cache": 999}  # and the uid that must read its key
VALID_DAYS = 825


def main(folder: Path) -> None:
    """Write ca.crt and, for each server, NAME/server.crt and NAME/server.key."""
    if (folder / "ca.crt").exists():
        print(f"certificates: {folder} has them")
        return
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Novamind inside")])
    ca = (
        _certificate(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    for name, uid in SERVERS.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), authority, key)
            .add_extension(_names(name), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        _write(folder / name, certificate, key, uid)
    # Last: its presence says that the rest is complete.
    (folder / "ca.crt").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    print(f"certificates: made in {folder}")


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
    )


def _names(name: str) -> x509.SubjectAlternativeName:
    # The loopback address too: the servers' own health checks come from there.
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("localhost"), loopback])


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, uid: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path = folder / "server.key"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    if os.geteuid() == 0:
        os.chown(path, uid, uid)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
