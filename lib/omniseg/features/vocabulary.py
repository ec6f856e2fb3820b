"""What declarations of features may read: columns of events, and facts of reference data."""

from __future__ import annotations

from collections.abc import Mapping

from omniseg import tables
from omniseg.features.calendar import CALENDAR, HOLIDAY

# What `enriched` adds to an event: the column, and that of the product master which it takes.
ENRICHED: Mapping[str, str] = {
    "department": "department",
    "product_category": "category",
    "product_brand": "brand",
    "product_list_price": "list_price",
    "product_cost": "unit_cost",
    "product_sustainable": "sustainable",
}
OF_PRODUCTS = {column.name: column.type for column in tables.PRODUCTS.columns}

# What `of`, `where`, `by` and `per` may read: the canonical event, the master data of its product, and when in the week
# and the year it was.
EVENT_COLUMNS: Mapping[str, str] = {
    **{column.name: column.type for column in tables.SILVER_EVENTS.columns},
    **{name: OF_PRODUCTS[source] for name, source in ENRICHED.items()},
    **dict.fromkeys((*CALENDAR, HOLIDAY), "STRING"),
}
NOT_ATTRIBUTES = {"identity_key", "bucket", "identifiers", *(column.name for column in tables.VERSIONING)}

# What `attribute` may name: the facts of the customer master, and those of places, without keys and versioning.
ATTRIBUTES: Mapping[str, tables.Column] = {
    f"{name}.{column.name}": column
    for name in ("customers", "stores", "postal_areas")
    for column in tables.REFERENCES[name].columns
    if column.name not in (*NOT_ATTRIBUTES, *tables.REFERENCES[name].key)
}
