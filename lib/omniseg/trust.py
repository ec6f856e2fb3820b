"""Which authorities a Java from PyPI trusts: those of the machine, instead of the list it was built with.

Companies inspect TLS with an authority of their own. Python, pip and a distribution's Java know it; a Java from PyPI
does not, and could reach neither Maven Central nor an object store there.
"""

from __future__ import annotations

import os
import re
import ssl
import warnings
from contextlib import suppress
from pathlib import Path

# What an operator sets for pip and others, then the places of Debian, Fedora and Alpine (Python names its own besides).
NAMED = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def bundles() -> list[Path]:
    """Existing files of trusted certificates in PEM, those that the operator names first."""
    own = ssl.get_default_verify_paths().cafile
    named = [*(os.environ.get(name) for name in NAMED), own, *SYSTEM]
    return [Path(name) for name in dict.fromkeys(named) if name and Path(name).is_file()]


def certificates() -> list[bytes]:
    """Every certificate of the bundles in PEM, each once."""
    return list(dict.fromkeys(one for bundle in bundles() for one in BLOCK.findall(bundle.read_bytes())))


def write_truststore(target: Path) -> bool:
    """Write the machine's certificates as a Java trust store without password; False where it has none."""
    # Only needed where a wrapper is written: other environments do without the package.
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
    from cryptography.x509 import load_pem_x509_certificate

    readable = []
    for number, block in enumerate(certificates()):
        # Old authorities with a serial number of zero are in use: cryptography warns today and will refuse them.
        with warnings.catch_warnings(), suppress(ValueError):
            warnings.simplefilter("ignore")
            readable.append(PKCS12Certificate(load_pem_x509_certificate(block), f"authority-{number}".encode()))
    if readable:
        target.write_bytes(serialize_java_truststore(readable, NoEncryption()))
    return bool(readable)
