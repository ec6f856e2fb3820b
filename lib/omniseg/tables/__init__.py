"""Every table of the warehouse, declared once: columns, keys, layout, privacy classes. The data dictionary is printed from here."""

from __future__ import annotations

from omniseg.tables.events import BRONZE_EVENTS, CHANNELS, QUARANTINE, RAW_REJECTS, SILVER_EVENTS
from omniseg.tables.gold import (
    CUSTOMER_CHANGES,
    CUSTOMER_DAY,
    CUSTOMER_FEATURES,
    RFM_CUTS,
    SEGMENT_LINEAGE,
    SEGMENT_PROFILES,
    SEGMENT_SNAPSHOTS,
    SNAPSHOT_MANIFEST,
    SNAPSHOT_POINTER,
)
from omniseg.tables.model import PRIVACY_CLASSES, Column, Table
from omniseg.tables.ops import FILES, LOCKS, MIGRATIONS, RUNS
from omniseg.tables.reference import (
    CAMPAIGNS,
    CONSENTS,
    CUSTOMERS,
    EXCHANGE_RATES,
    IDENTITIES,
    POSTAL_AREAS,
    PRODUCTS,
    STORES,
    VERSIONING,
)

REFERENCES: dict[str, Table] = {
    table.name.removeprefix("silver."): table
    for table in (CUSTOMERS, PRODUCTS, STORES, POSTAL_AREAS, CAMPAIGNS, EXCHANGE_RATES, CONSENTS)
}

ALL: tuple[Table, ...] = (
    BRONZE_EVENTS,
    SILVER_EVENTS,
    QUARANTINE,
    *REFERENCES.values(),
    IDENTITIES,
    CUSTOMER_DAY,
    CUSTOMER_CHANGES,
    CUSTOMER_FEATURES,
    RFM_CUTS,
    SEGMENT_SNAPSHOTS,
    SNAPSHOT_MANIFEST,
    SNAPSHOT_POINTER,
    SEGMENT_PROFILES,
    SEGMENT_LINEAGE,
    RUNS,
    FILES,
    LOCKS,
    MIGRATIONS,
    RAW_REJECTS,
)

__all__ = [
    "ALL",
    "BRONZE_EVENTS",
    "CAMPAIGNS",
    "CHANNELS",
    "CONSENTS",
    "CUSTOMERS",
    "CUSTOMER_CHANGES",
    "CUSTOMER_DAY",
    "CUSTOMER_FEATURES",
    "EXCHANGE_RATES",
    "FILES",
    "IDENTITIES",
    "LOCKS",
    "MIGRATIONS",
    "POSTAL_AREAS",
    "PRIVACY_CLASSES",
    "PRODUCTS",
    "QUARANTINE",
    "RAW_REJECTS",
    "REFERENCES",
    "RFM_CUTS",
    "RUNS",
    "SEGMENT_LINEAGE",
    "SEGMENT_PROFILES",
    "SEGMENT_SNAPSHOTS",
    "SILVER_EVENTS",
    "SNAPSHOT_MANIFEST",
    "SNAPSHOT_POINTER",
    "STORES",
    "VERSIONING",
    "Column",
    "Table",
]
