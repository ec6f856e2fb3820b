"""Settings that are right one by one and wrong together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from omniseg.errors import Problem
from omniseg.settings.schema import Settings
from omniseg.sparkconf import contradicted

ABSOLUTE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:")  # a path from the root, or a URI
RELATIVE_SQLITE = re.compile(r"sqlite:///(?!/)")


def contradictions(settings: Settings) -> list[Problem]:
    """Every contradiction, at the place that decided the key to change."""
    found = [*of_privacy(settings), *of_model(settings), *of_places(settings)]
    found += contradicted(settings.spark, production=settings.profile == "production")
    return [Problem(settings.origins[key], key, what, expected) for key, what, expected in found]


def of_privacy(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each purpose has a key of its own, and assumed consent has a basis."""
    consent, privacy = settings.consent, settings.privacy
    if consent.mode == "assume" and not consent.legal_basis.strip():
        yield "consent.legal_basis", "nothing", "a text, as consent.mode is assume: it is printed in every report"
    if privacy.pseudonym_key == privacy.vault_key:
        yield "privacy.vault_key", "the reference of privacy.pseudonym_key", "a key of its own for each purpose"


def of_model(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Clusters are pruned from leaves, and every cluster must be able to reach the minimum share."""
    model = settings.model
    if model.leaves < model.segments:
        yield "model.leaves", str(model.leaves), f"at least model.segments ({model.segments})"
    if settings.audit.min_share * model.segments > 1:
        yield "audit.min_share", str(settings.audit.min_share), f"at most 1/{model.segments} (1/model.segments)"


def of_places(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Deliveries and tables have a root each, and a cluster has no working directory that all of it shares."""
    warehouse, landing = settings.warehouse.root.rstrip("/"), settings.landing.root.rstrip("/")
    if landing == warehouse:
        yield "landing.root", f"the place of warehouse.root ({landing!r})", "a place of its own"
    if settings.profile == "local":
        return
    for key, place in (("warehouse.root", warehouse), ("landing.root", landing)):
        if not ABSOLUTE.match(f"{place}/"):
            yield key, repr(place), f"an absolute path or a URI, as profile is {settings.profile}"
    if RELATIVE_SQLITE.match(settings.mlflow.tracking_uri):
        expected = f"a tracking server or database that all runs reach, as profile is {settings.profile}"
        yield "mlflow.tracking_uri", repr(settings.mlflow.tracking_uri), expected
