"""The trust store that a Java from PyPI gets: the machine's certificates, read back by that Java's own keytool."""

from __future__ import annotations

import datetime
import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from omniseg import java, trust


def authority(name: str) -> bytes:
    """A self-signed certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9999))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only bundle of this machine, named as an operator names it for pip."""
    monkeypatch.setattr(trust, "NAMED", ("PIP_CERT",))
    monkeypatch.setattr(trust, "SYSTEM", ())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere"))
    file = tmp_path / "company.pem"
    monkeypatch.setenv("PIP_CERT", str(file))
    return file


def owners(store: Path) -> set[str]:
    """Common names in a trust store, by the keytool of the Java from PyPI."""
    program = java.packaged()
    assert program is not None
    keytool = Path(program).with_name("keytool")
    command = [str(keytool), "-list", "-v", "-keystore", str(store), "-storepass", ""]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^Owner: CN=(.+)$", listed, re.MULTILINE))


def test_java_trusts_every_authority_of_the_bundle(bundle: Path, tmp_path: Path):
    bundle.write_bytes(b"# a remark\n" + authority("first") + b"\n" + authority("second"))
    assert trust.write_truststore(tmp_path / "store.p12")
    assert owners(tmp_path / "store.p12") == {"first", "second"}


def test_bundle_of_the_operator_adds_to_the_system(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    system = tmp_path / "system.pem"
    system.write_bytes(authority("public"))
    monkeypatch.setattr(trust, "SYSTEM", (str(system),))
    bundle.write_bytes(authority("company"))
    assert trust.bundles() == [bundle, system]
    assert trust.write_truststore(tmp_path / "store.p12")
    assert owners(tmp_path / "store.p12") == {"company", "public"}


def test_authority_in_two_bundles_counts_once(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bundle.write_bytes(authority("both"))
    copy = tmp_path / "copy.pem"
    copy.write_bytes(bundle.read_bytes() + b"\n")
    monkeypatch.setattr(trust, "SYSTEM", (str(copy),))
    assert len(trust.certificates()) == 1


def test_unreadable_certificate_does_not_spoil_the_rest(bundle: Path, tmp_path: Path):
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(broken + authority("good"))
    assert trust.write_truststore(tmp_path / "store.p12")
    assert owners(tmp_path / "store.p12") == {"good"}


@pytest.mark.parametrize("content", [b"", b"no certificate in here\n"], ids=["empty", "text"])
def test_no_certificate_leaves_java_its_own_list(bundle: Path, tmp_path: Path, content: bytes):
    bundle.write_bytes(content)
    assert trust.write_truststore(tmp_path / "store.p12") is False
    assert not (tmp_path / "store.p12").exists()
