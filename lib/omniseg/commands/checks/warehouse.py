"""Keys and lease: whether this process may work on this warehouse. Needs a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone

from omniseg.commands.checks import FAIL, OK, WARN, Finding
from omniseg.commands.ingest import KEY_PROPERTY
from omniseg.errors import ConfigError
from omniseg.lake.locks import Lease, alive
from omniseg.privacy.keys import fingerprint, key
from omniseg.runtime import Run, key_folder
from omniseg.tables import BRONZE_EVENTS


def check_keys(run: Run) -> Iterator[Finding]:
    """Keys that are there; the pseudonym key is the one that the warehouse was begun with."""
    for reference in (run.settings.privacy.pseudonym_key, run.settings.privacy.vault_key):
        yield presence(run, reference.env_name)
    name = run.settings.privacy.pseudonym_key.env_name
    stored = run.lake.property_of(BRONZE_EVENTS, KEY_PROPERTY)
    if stored is None:
        yield Finding(OK, "Key of this warehouse", "none yet: the first ingest pins it")
    elif not os.environ.get(name):
        yield Finding(FAIL, "Key of this warehouse", f"fingerprint {stored}", f"put that key into {name}")
    elif fingerprint(name) != stored:
        found = f"fingerprint {stored}, but that of {name} is {fingerprint(name)}"
        yield Finding(FAIL, "Key of this warehouse", found, f"put the warehouse's own key into {name}")
    else:
        yield Finding(OK, "Key of this warehouse", f"fingerprint {stored}, the same as that of {name}")


def presence(run: Run, name: str) -> Finding:
    """Whether one key is there or, on a laptop, can be: taken from its file for this process, never made here."""
    file = key_folder() / name
    on_laptop = run.settings.profile == "local"
    if not os.environ.get(name) and on_laptop and file.is_file():
        os.environ[name] = file.read_text(encoding="utf-8").strip()
        return Finding(OK, f"Key {name}", f"from {file}")
    if not os.environ.get(name) and on_laptop:
        return Finding(OK, f"Key {name}", f"none yet: the first run makes {file}")
    try:
        key(name)
    except ConfigError as error:
        return Finding(FAIL, f"Key {name}", str(error), f"export {name} before omniseg starts")
    return Finding(OK, f"Key {name}", "from the environment")


def check_lease(run: Run) -> Iterator[Finding]:
    """Nobody holds the lock, or somebody who lives."""
    found = Lease(run.lake, run.run_id, run.settings.lock.lease_seconds).current()
    if found is None or not found.holder:
        yield Finding(OK, "Lock", "free")
        return
    until = f"until {found.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    holder = f"run {found.holder} (host {found.host}, process {found.pid})"
    if not alive(found) or found.expires_at.replace(tzinfo=timezone.utc) < datetime.now(timezone.utc):
        yield Finding(WARN, "Lock", f"left behind by {holder}", "nothing: the next run takes it over")
    else:
        yield Finding(OK, "Lock", f"held by {holder} {until}")
