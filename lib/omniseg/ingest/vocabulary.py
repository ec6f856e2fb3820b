"""Words of the canonical event: event types, identifier types, and the columns that a declaration may set."""

from __future__ import annotations

EVENT_TYPES = (
    "page_view",
    "product_view",
    "search",
    "cart_add",
    "cart_remove",
    "checkout_start",
    "purchase",
    "return",
    "cancel",
    "email_sent",
    "email_open",
    "email_click",
    "push_sent",
    "push_open",
    "sms_sent",
    "sms_click",
    "campaign_contact",
    "coupon_redeem",
    "store_visit",
    "sensor",
    "ar_try_on",
    "review",
    "support_contact",
    "consent",
    "login",
    "signup",
)
CUSTOM_EVENT_PREFIX = "custom:"  # every other event type passes under this prefix

IDENTIFIER_TYPES = ("login", "account", "email", "phone", "loyalty", "card", "device", "cookie", "household")

# What a declaration may set, with the Spark type that its expression is converted to.
EVENT_COLUMNS = {
    "event_id": "string",
    "event_time": "timestamp",
    "event_type": "string",
    "channel": "string",
    "identifiers": "map<string,string>",
    "session_id": "string",
    "order_id": "string",
    "product_id": "string",
    "category": "string",
    "brand": "string",
    "quantity": "decimal(18,3)",
    "unit_price": "decimal(18,4)",
    "discount": "decimal(18,4)",
    "amount": "decimal(18,4)",
    "currency": "string",
    "store_id": "string",
    "campaign_id": "string",
    "country": "string",
    "region": "string",
    "postal_code": "string",
    "rating": "decimal(9,3)",
    "dwell_seconds": "decimal(18,3)",
    "is_bot": "boolean",
    "properties": "map<string,string>",
}
REQUIRED_EVENT_COLUMNS = ("event_id", "event_time", "event_type")
