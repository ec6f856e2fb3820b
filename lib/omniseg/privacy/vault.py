"""Text that could not be parsed may hold anything, so it is kept encrypted, cut at 4 KB and for a limited time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pyspark.sql import Column

from omniseg.privacy.arrow import arrow_column
from omniseg.privacy.keys import key

LONGEST = 4096  # bytes of a rejected text that are kept


def encrypted(text: Column, *, key_name: str) -> Column:
    """AES-SIV of the first 4 KB, base64. Python on executors: Spark's own aes_encrypt wants the key in the plan."""
    return arrow_column(sealer(key_name, encrypt))(text)


def opened(stored: Column, *, key_name: str) -> Column:
    """The texts behind `encrypted`; null where the key is another one or the bytes were altered."""
    return arrow_column(sealer(key_name, decrypt_or_none))(stored)


def text_hash(text: Column, *, key_name: str) -> Column:
    """HMAC-SHA-256 of the whole text, hex: tells equal rejects without telling what they say."""
    return arrow_column(sealer(key_name, keyed_hash))(text)


def sealer(key_name: str, seal: Callable[[str, bytes], str | None]) -> Callable[[pa.Array], pa.Array]:
    """The Arrow function that applies `seal(text, key)`; the key is fetched where it runs."""

    def compute(values: pa.Array) -> pa.Array:
        secret = key(key_name)
        return pa.array([None if text is None else seal(text, secret) for text in values.to_pylist()], pa.string())

    return compute


def encrypt(text: str, secret: bytes) -> str:
    """One text encrypted by AES-256-SIV (RFC 5297): deterministic, so a run repeated after a crash writes the same
    bytes.
    """
    plain = text.encode("utf-8", "surrogatepass")[:LONGEST]
    return base64.b64encode(AESSIV(derived(secret)).encrypt(plain, None)).decode()


def decrypt(stored: str, secret: bytes) -> str:
    """The text behind `encrypt`; raises cryptography's InvalidTag for a wrong key or altered bytes."""
    return AESSIV(derived(secret)).decrypt(base64.b64decode(stored), None).decode("utf-8", "replace")


def decrypt_or_none(stored: str, secret: bytes) -> str | None:
    """Like `decrypt`, but None for a wrong key or altered bytes: one bad row must not end the others."""
    try:
        return decrypt(stored, secret)
    except InvalidTag:
        return None


def keyed_hash(text: str, secret: bytes) -> str:
    """HMAC-SHA-256 of one text, hex."""
    return hmac.digest(secret, b"reject|" + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def derived(secret: bytes) -> bytes:
    """64 bytes for AES-256-SIV from a key of any length, kept apart from other uses of the same key."""
    return hmac.digest(secret, b"omniseg vault encryption", hashlib.sha512)
