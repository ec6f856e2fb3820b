"""What in a text looks like a secret. Such a text is refused where it stands and never repeated in a message."""

from __future__ import annotations

import re

# Spellings that nothing but a secret has: fit for any text, expressions too.
UNMISTAKABLE = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a URI with a password": re.compile(r"://[^/\s:@'\"]*:[^/\s@'\"]+@"),
    "a GitHub token": re.compile(r"\b(gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,})"),
    "a Databricks token": re.compile(r"\bdapi[0-9a-f]{32}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "a signed web token": re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}"),
}
# A secret assigned to a name, as in connection strings. Expressions may compare such names: this is for settings only.
ASSIGNED = re.compile(r"(?i)(password|passwd|pwd|secret|token|(access|account)[._-]?key|\bsig)\s*=\s*[^\s;,&]{4,}")


def likely_secret(text: str) -> str:
    """Which unmistakable secret `text` contains, in the words of a message; '' when none."""
    return next((name for name, spelling in UNMISTAKABLE.items() if spelling.search(text)), "")


def likely_secret_setting(text: str) -> str:
    """Like `likely_secret`, and also a password or token that is assigned within the text."""
    return likely_secret(text) or ("a password, token or key assigned in a text" if ASSIGNED.search(text) else "")
