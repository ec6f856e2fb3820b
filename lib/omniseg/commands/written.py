"""What a batch did, and what of it somebody should look at although nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from omniseg.commands.accounts import Survey
from omniseg.ingest.accounting import Account


@dataclass(frozen=True)
class Written:
    """What a batch did: accounts per source, refused files (path -> reason), and what was found on the way."""

    accounts: list[Account]
    refused: dict[str, str]
    found: Survey

    @property
    def notices(self) -> list[str]:
        """What somebody should look at although nothing is wrong."""
        kept = "sent fields that its schema does not know; they are kept in bronze.events, column rescued"
        unknown = [f"Source {name} {kept}." for name in self.found.rescued]
        mixed = [lookalikes(name, number) for name, number in sorted(self.found.lookalikes.items())]
        return [*unknown, *mixed, *(account.clock_ahead() for account in self.accounts if account.ahead)]


def lookalikes(source: str, number: int) -> str:
    """The report of identifiers that may imitate others."""
    return (
        f"Source {source} has {number:,} record(s) with an identifier in which one word mixes alphabets, as an "
        "imitation of another one does; it is taken for somebody else. Column lookalike of bronze.events marks them."
    )
