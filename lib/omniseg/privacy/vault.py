"""Text that could not be parsed may hold anything, so it is kept encrypted, cut at 4 KB and for a limited time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.privacy.keys import key

LONGEST = 4096  # bytes of a rejected text that are kept


def encrypted(text: Column, *, key_name: str) -> Column:
    """AES-SIV of the first 4 KB, base64. Python on executors: Spark's own aes_encrypt wants the key in the plan."""
    return F.arrow_udf(sealer(key_name, encrypt), "string")(text)


def text_hash(text: Column, *, key_name: str) -> Column:
    """HMAC-SHA-256 of the whole text, hex: tells equal rejects without telling what they say."""
    return F.arrow_udf(sealer(key_name, keyed_hash), "string")(text)


def sealer(key_name: str, seal: Callable[[str, bytes], str]) -> Callable[[pa.Array], pa.Array]:
    """The Arrow function that applies `seal(text, key)`; the key is fetched where it runs."""

    def compute(values: pa.Array) -> pa.Array:
        secret = key(key_name)
        return pa.array([None if text is None else seal(text, secret) for text in values.to_pylist()], pa.string())

    # Annotations are text in this module; Spark reads these to choose the kind of function.
    compute.__annotations__ = {"values": pa.Array, "return": pa.Array}
    return compute


def encrypt(text: str, secret: bytes) -> str:
    """One text encrypted by AES-256-SIV (RFC 5297): deterministic, so a run repeated after a crash writes the same bytes."""
    plain = text.encode("utf-8", "surrogatepass")[:LONGEST]
    return base64.b64encode(AESSIV(derived(secret)).encrypt(plain, None)).decode()


def decrypt(stored: str, secret: bytes) -> str:
    """The text behind `encrypt`; raises cryptography's InvalidTag for a wrong key or altered bytes."""
    return AESSIV(derived(secret)).decrypt(base64.b64decode(stored), None).decode("utf-8", "replace")


def keyed_hash(text: str, secret: bytes) -> str:
    """HMAC-SHA-256 of one text, hex."""
    return hmac.digest(secret, b"reject|" + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def derived(secret: bytes) -> bytes:
    """64 bytes for AES-256-SIV from a key of any length, kept apart from other uses of the same key."""
    return hmac.digest(secret, b"omniseg vault encryption", hashlib.sha512)
