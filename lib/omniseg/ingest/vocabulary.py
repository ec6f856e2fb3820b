"""Words of the canonical event: channels, event types, identifier types, and the columns that a declaration may set."""

from __future__ import annotations

CHANNELS = (
    "web",
    "mobile",
    "pos",
    "crm",
    "email",
    "sms",
    "push",
    "social",
    "support",
    "iot",
    "ar",
    "marketplace",
)

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

# ISO 4217: the active codes of money (2025), and after the bar those withdrawn since 2010: old events carry them.
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
    MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    | ANG BYR CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL
    """.replace("|", "").split()
)

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
