"""Free text without e-mail addresses, phone and card numbers."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
# 13 to 19 digits in groups, as printed on cards; before phones, which a card number would also match.
CARD = r"(?<![\dA-Za-z])(?:\d[ -]?){12,18}\d(?![\dA-Za-z])"
# International (+49 30 1234567), or at least 8 digits with separators between groups (030/1234-567, (555) 123-4567).
PHONE = (
    r"(?<![\dA-Za-z])(?:\+\d[\d ()/.-]{6,18}\d|\(?\d{2,5}\)?[ /.-]\d{3,5}(?:[ .-]?\d{2,6})+|0\d{8,13})(?![\dA-Za-z])"
)


def redacted(text: Column) -> Column:
    """`text` with each address or number replaced by <email>, <card> or <phone>; a date like 2017-01-31 stays."""
    suspicious = text.rlike(r"@|\d.{5,}\d")
    without_email = F.regexp_replace(text, EMAIL, "<email>")
    without_card = F.regexp_replace(without_email, CARD, "<card>")
    return F.when(suspicious, F.regexp_replace(without_card, PHONE, "<phone>")).otherwise(text)


def was_redacted(text: Column) -> Column:
    """True for a text in which something was replaced: it no longer says who or what it was."""
    return text.rlike("<(email|card|phone)>")


def redacted_map(properties: Column) -> Column:
    """A map with every value redacted."""
    return F.transform_values(properties, lambda _, value: redacted(value))
