"""Keys live in the environment of the process that uses them: never a literal, a closure or a Spark setting."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from omniseg.errors import ConfigError, Problem

SHORTEST = 16  # characters; below this a keyed hash can be guessed


def key(name: str) -> bytes:
    """The key in environment variable `name`; called on driver and executors alike. Raises ConfigError when unset or
    short.
    """
    value = os.environ.get(name, "")
    if len(value) < SHORTEST:
        found = "nothing" if not value else f"{len(value)} characters"
        raise ConfigError([Problem("environment", name, found, f"a secret key of at least {SHORTEST} characters")])
    return value.encode()


def fingerprint(name: str) -> str:
    """16 hex digits that tell whether two runs hold the same key, and nothing about the key (HMAC of a constant)."""
    return hmac.new(key(name), b"omniseg key fingerprint", hashlib.sha256).hexdigest()[:16]


def provide_local_key(name: str, folder: Path, environ: MutableMapping[str, str]) -> Path | None:
    """Laptop only: take an unset key from a file of mode 0600 in `folder`, made at first use; returns the file, if
    used.
    """
    if environ.get(name):
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / name
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(32))
    environ[name] = file.read_text().strip()
    return file
