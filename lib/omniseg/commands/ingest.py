"""`omniseg ingest`: take every delivered file not yet taken, once, and account for every record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omniseg.commands.batch import write_batch
from omniseg.commands.deliveries import Delivery, deliveries, next_batch
from omniseg.commands.written import Written
from omniseg.errors import ConfigError, ContractError
from omniseg.ingest.currency import with_currency
from omniseg.privacy.keys import fingerprint
from omniseg.report.listing import render
from omniseg.runtime import Run
from omniseg.settings.sources import load_declarations
from omniseg.tables import BRONZE_EVENTS

KEY_PROPERTY = "omniseg.pseudonym_key_fingerprint"
COLUMNS = ("source", "files", "read", "accepted", "duplicates", "quarantined", "suppressed", "unattributed", "bots")


def ingest(run: Run) -> None:
    """Reads the landing zone; writes bronze, silver, quarantine, vault, references, identities, and ops.files last
    (the commit).
    """
    declarations = load_declarations(run.settings.sources.dir, run.settings)
    currency = with_currency(run.settings.business.currency, declarations)
    check_key(run)
    with run.step("listing deliveries"):
        waiting = {name: files for name, files in deliveries(run, declarations).items() if files}
    if not waiting:
        run.status = "nothing_new"
        run.say("Nothing new in the landing zone.")
        return
    run.batch_id = next_batch(run)
    given = [item for item in declarations if item.name in waiting]
    written = write_batch(run, run.batch_id, waiting, given, currency)
    run.accounts = written.accounts
    report(run, waiting, written)


def check_key(run: Run) -> None:
    """Refuse another pseudonym key than the warehouse was begun with: every person would get a second identity."""
    name = run.settings.privacy.pseudonym_key.env_name
    found, stored = fingerprint(name), run.lake.property_of(BRONZE_EVENTS, KEY_PROPERTY)
    if stored is None:
        run.lake.set_property(BRONZE_EVENTS, KEY_PROPERTY, found)
    elif stored != found:
        raise ConfigError(
            f"the key in {name} is not the one that the pseudonyms of this warehouse were made with (fingerprint "
            f"{found}, expected {stored}); nothing was written"
        )


def report(run: Run, waiting: Mapping[str, Sequence[Delivery]], written: Written) -> None:
    """What was read, where it went and what to look at next; refused files end the run with exit code 3."""
    rows = [
        {
            "source": account.source,
            "files": len(waiting[account.source]),
            "unattributed": account.unattributed,
            "bots": account.bots,
        }
        | account.counts()
        for account in written.accounts
    ]
    run.say(f"Batch {run.batch_id} in {run.settings.warehouse.root}:")
    run.say(render(rows, COLUMNS, "table"))
    if any(account.quarantined.rows for account in written.accounts):
        run.say("Next: omniseg quarantine list")
    for notice in written.notices:
        run.say(notice)
    if written.refused:
        shown = "\n".join(f"  {path}: {reason}" for path, reason in sorted(written.refused.items()))
        raise ContractError(f"{len(written.refused)} files were refused, all others were taken:\n{shown}")
