"""Tables of events: as received, cleaned, quarantined, and the texts that could not be parsed."""

from __future__ import annotations

from omniseg.tables.model import Table, parse_columns

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

BRONZE_EVENTS = Table(
    name="bronze.events",
    grain="one received record",
    key=("record_id",),
    statistics=("batch_id",),
    columns=parse_columns("""
        record_id STRING NOT NULL         | none       | source, batch and position joined: names this received record for ever
        source STRING NOT NULL            | none       | name of the declaration that read the record
        file STRING NOT NULL              | none       | path of the delivered file
        position BIGINT NOT NULL          | none       | place in the reading order of the batch; increases within a file
        received_at TIMESTAMP NOT NULL    | none       | modification time of the delivered file (UTC)
        batch_id BIGINT NOT NULL          | none       | ingestion batch; knowledge time
        payload STRING                    | restricted | the record as JSON, direct identifiers replaced by pseudonyms; null where the text could not be parsed
        rescued STRING                    | restricted | JSON of fields that the declared or pinned schema does not know, redacted
        lookalike BOOLEAN                 | none       | true where a word of an identifier has letters of two alphabets, as an imitation has; null before it was looked for
    """),
)

EVENT_COLUMNS = """
        event_id STRING NOT NULL          | none       | identifies the event within its source
        source STRING NOT NULL            | none       | name of the declaration that read the event
        event_time TIMESTAMP NOT NULL     | attribute  | when it happened (UTC)
        event_date DATE NOT NULL          | attribute  | business day of event_time (business.time_zone)
        received_at TIMESTAMP NOT NULL    | none       | when its file was delivered (UTC)
        channel STRING NOT NULL           | attribute  | web, mobile, pos, crm, email, sms, push, social, support, iot, ar or marketplace
        event_type STRING NOT NULL        | attribute  | canonical event type, others as custom:<name>
        identifiers MAP<STRING,STRING>    | pseudonym  | identifier type -> pseudonym
        identity_key STRING               | pseudonym  | pseudonym of the highest-priority type (identity.priority); null = unattributed
        bucket INT NOT NULL               | none       | pmod(xxhash64(identity_key), lake.buckets); look-ups and erasures go by it
        session_id STRING                 | attribute  | visit or session as the source names it
        order_id STRING                   | attribute  | order or basket
        product_id STRING                 | attribute  | product, key of silver.products
        category STRING                   | attribute  | product category as the source names it
        brand STRING                      | attribute  | brand as the source names it
        quantity DECIMAL(18,3)            | attribute  | units
        unit_price DECIMAL(18,4)          | attribute  | price of one unit, native currency
        discount DECIMAL(18,4)            | attribute  | line discount, native currency
        amount DECIMAL(18,4)              | attribute  | net line value in business.currency, HALF_UP; null when there is no rate
        amount_native DECIMAL(18,4)       | attribute  | net line value in `currency`: declared, else quantity x unit_price - discount
        amount_status STRING NOT NULL     | none       | ok, none (no money in the event) or no_rate
        currency STRING                   | attribute  | ISO 4217 code of the native money
        store_id STRING                   | attribute  | store, key of silver.stores
        campaign_id STRING                | attribute  | campaign, key of silver.campaigns
        country STRING                    | attribute  | ISO 3166 country
        region STRING                     | attribute  | region or state
        postal_code STRING                | attribute  | postal code
        rating DECIMAL(9,3)               | attribute  | rating given by the customer
        dwell_seconds DECIMAL(18,3)       | attribute  | time spent, seconds
        is_bot BOOLEAN NOT NULL           | none       | declared or detected machine traffic; excluded from features
        properties MAP<STRING,STRING>     | attribute  | further declared facts, redacted
        payload_hash BIGINT NOT NULL      | attribute  | xxhash64 of all canonical columns but event_time and received_at; tells duplicates from conflicts
        record_id STRING NOT NULL         | none       | the received record in bronze.events
        batch_id BIGINT NOT NULL          | none       | ingestion batch; knowledge time
"""

SILVER_EVENTS = Table(
    name="silver.events",
    grain="one event, once however often it was delivered",
    key=("source", "event_id", "event_date"),
    statistics=("event_date", "batch_id", "bucket"),
    columns=parse_columns(EVENT_COLUMNS),
    constraints=(
        ("purchase_not_negative", "event_type <> 'purchase' OR amount IS NULL OR amount >= 0"),
        ("return_not_positive", "event_type <> 'return' OR amount IS NULL OR amount <= 0"),
    ),
)

QUARANTINE = Table(
    name="silver.events_quarantine",
    grain="one bad record",
    key=("record_id",),
    statistics=("batch_id",),
    columns=parse_columns("""
        record_id STRING NOT NULL         | none       | the received record in bronze.events
        source STRING NOT NULL            | none       | name of the declaration that read the record
        rules ARRAY<STRING> NOT NULL      | none       | every rule that the record breaks
        detail STRING                     | restricted | what was found, without values
        file STRING NOT NULL              | none       | path of the delivered file
        line BIGINT                       | none       | number of the record in its file (or in its block of a very large file), from 1
        record_hash STRING                | pseudonym  | keyed hash (HMAC-SHA-256) of the raw text, where it could not be parsed
        vault_ref STRING                  | none       | key in vault.raw_rejects, where the text could not be parsed
        excerpt STRING                    | restricted | first 500 characters of the protected record, redacted
        batch_id BIGINT NOT NULL          | none       | ingestion batch
        status STRING NOT NULL            | none       | open, replayed or discarded
        status_batch_id BIGINT            | none       | batch that replayed or discarded the record
    """),
    constraints=(("status_known", "status IN ('open', 'replayed', 'discarded')"),),
)

RAW_REJECTS = Table(
    name="vault.raw_rejects",
    grain="one text that could not be parsed",
    key=("vault_ref",),
    statistics=("batch_id",),
    columns=parse_columns("""
        vault_ref STRING NOT NULL         | none       | the record_id of the reject
        source STRING NOT NULL            | none       | name of the declaration that read the record
        encrypted STRING NOT NULL         | restricted | AES-256-SIV of the first 4 KB of the text, base64
        batch_id BIGINT NOT NULL          | none       | ingestion batch
        stored_at TIMESTAMP NOT NULL      | none       | delivery time of the file; retention counts from it
    """),
)
