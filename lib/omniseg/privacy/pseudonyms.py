"""Direct identifiers become `type:key_version:HMAC-SHA-256` before anything is written.

Spark has no built-in HMAC, so this is one of two places with Python on executors. It is an Arrow function: it sees
whole columns, computes each distinct value of a batch once, and fetches the key from the executor's own environment.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import pyarrow as pa
from pyspark.sql import Column

from omniseg.privacy.arrow import arrow_column
from omniseg.privacy.keys import key

# Fillers that systems write where there is no identifier; they must never link two people (case D10).
ABSENT = frozenset({"", "null", "none", "nil", "n/a", "na", "nan", "undefined", "unknown", "anonymous", "-"})
# Controls, soft hyphens, zero-width characters, marks of writing direction, byte-order marks.
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# A worker remembers as many pseudonyms (some 25 MB), as people return. Longer texts are no identifiers.
REMEMBERED, LONGEST = 65_536, 256


def pseudonym(value: Column, *, identifier_type: str, key_version: str, key_name: str) -> Column:
    """`type:key_version:<64 hex>` of each identifier, null where there is none; `key_name` names a variable."""
    compute = arrow_column(pseudonymiser(identifier_type, key_version, key_name))
    return compute(value.cast("string"))


def is_pseudonym(value: Column) -> Column:
    """True for a text that `pseudonym` has made; only to be asked of records that were protected before."""
    return value.cast("string").rlike("^[a-z]+:[a-z][a-z0-9_]*:[0-9a-f]{64}$")


def pseudonymiser(identifier_type: str, key_version: str, key_name: str) -> Callable[[pa.Array], pa.Array]:
    """The Arrow function behind `pseudonym`: array of text in, array of pseudonyms out."""

    def compute(values: pa.Array) -> pa.Array:
        secret = key(key_name)
        encoded = values.dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        distinct = [
            (remembered if len(text) <= LONGEST else keyed)(text, identifier_type, key_version, secret)
            for text in texts
        ]
        return pa.array(distinct, pa.string()).take(encoded.indices)

    return compute


def keyed(text: str | None, identifier_type: str, key_version: str, secret: bytes) -> str | None:
    """The pseudonym of one identifier; None for an absent one."""
    normal = normalised(text, identifier_type)
    if normal is None:
        return None
    digest = hmac.digest(secret, f"{identifier_type}|{normal}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{identifier_type}:{key_version}:{digest.hex()}"


@lru_cache(REMEMBERED)
def remembered(text: str, identifier_type: str, key_version: str, secret: bytes) -> str | None:
    """The same, of the last identifiers without computing it again."""
    return keyed(text, identifier_type, key_version, secret)


def normalised(text: str | None, identifier_type: str) -> str | None:
    """The identifier as it is compared: NFKC, no invisible characters, trimmed; e-mail and login without case; phone
    as digits.

    Look-alikes of another script stay different (case D12). None when nothing identifying is left.
    """
    if text is None:
        return None
    if text.isascii() and text.isprintable():
        plain = text.strip()  # the usual case; nothing to normalise
    else:
        plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()
    if identifier_type in ("email", "login"):
        plain = plain.casefold()
    if identifier_type == "phone":
        plain = re.sub(r"(?!^\+)\D", "", plain)
    absent = plain.casefold() in ABSENT or not plain.strip("0+-. ")
    return None if absent else plain
