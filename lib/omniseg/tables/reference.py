"""Reference tables and identities: declared like sources, versioned by valid time and batch."""

from __future__ import annotations

from omniseg.tables.model import Column, Table, parse_columns

VERSIONING = parse_columns("""
        valid_from TIMESTAMP NOT NULL     | none       | first moment at which the row holds (UTC); 1900-01-01 where the source gives none
        valid_to TIMESTAMP                | none       | first moment at which it no longer holds; null = still does
        attributes MAP<STRING,STRING>     | attribute  | delivered columns that no declared column takes, redacted
        row_hash BIGINT NOT NULL          | attribute  | xxhash64 of the delivered values; an unchanged row is not written again
        record_id STRING NOT NULL         | none       | the received record in bronze.events
        batch_id BIGINT NOT NULL          | none       | ingestion batch; knowledge time
""")


def reference(name: str, grain: str, key: tuple[str, ...], text: str) -> Table:
    """A reference table: its own columns and the versioning that all of them share."""
    columns: tuple[Column, ...] = parse_columns(text) + VERSIONING
    return Table(name, grain, (*key, "valid_from"), columns, statistics=("batch_id",))


CUSTOMERS = reference(
    "silver.customers",
    "customer master record × validity",
    ("identity_key",),
    """
        identity_key STRING NOT NULL      | pseudonym  | pseudonym of the highest-priority identifier
        bucket INT NOT NULL               | none       | pmod(xxhash64(identity_key), lake.buckets)
        identifiers MAP<STRING,STRING>    | pseudonym  | identifier type -> pseudonym
        birth_date DATE                   | attribute  | date of birth
        age_band STRING                   | attribute  | age band as delivered
        income_band STRING                | attribute  | income band as delivered
        home_ownership STRING             | attribute  | owner or renter, as delivered
        marital_status STRING             | attribute  | marital status as delivered
        household_size STRING             | attribute  | persons in the household, as delivered
        household_composition STRING      | attribute  | adults and children, as delivered
        kids_count STRING                 | attribute  | children, as delivered
        industry STRING                   | attribute  | of an account: industry, as delivered (a code of NACE, ISIC or the like)
        employees INT                     | attribute  | of an account: persons employed
        country STRING                    | attribute  | ISO 3166 country
        region STRING                     | attribute  | region or state
        postal_code STRING                | attribute  | postal code
    """,
)

PRODUCTS = reference(
    "silver.products",
    "product × validity",
    ("product_id",),
    """
        product_id STRING NOT NULL        | none       | product
        name STRING                       | none       | product name or type
        department STRING                 | none       | top level of the assortment
        category STRING                   | none       | category below the department
        brand STRING                      | none       | brand or brand class
        manufacturer STRING               | none       | manufacturer
        package_size STRING               | none       | package size as delivered
        list_price DECIMAL(18,4)          | none       | price of one unit before any reduction, business.currency
        unit_cost DECIMAL(18,4)           | none       | what one unit costs the business, business.currency
        sustainable BOOLEAN               | none       | counts as sustainable, by the business's own rule
    """,
)

STORES = reference(
    "silver.stores",
    "store × validity",
    ("store_id",),
    """
        store_id STRING NOT NULL          | none       | store
        name STRING                       | none       | store name
        country STRING                    | none       | ISO 3166 country
        region STRING                     | none       | region or state
        postal_code STRING                | none       | postal code
        time_zone STRING                  | none       | IANA time zone of the store
        latitude DOUBLE                   | none       | degrees north (WGS 84)
        longitude DOUBLE                  | none       | degrees east (WGS 84)
    """,
)

POSTAL_AREAS = reference(
    "silver.postal_areas",
    "postal code × validity",
    ("country", "postal_code"),
    """
        country STRING NOT NULL           | none       | ISO 3166 country, spelled as in customers and events
        postal_code STRING NOT NULL       | none       | postal code, spelled as in customers and events
        region STRING                     | none       | region or state
        urbanity STRING                   | none       | degree of urbanisation, such as city, town, rural (Eurostat DEGURBA)
        latitude DOUBLE                   | none       | degrees north of the area's middle (WGS 84)
        longitude DOUBLE                  | none       | degrees east of the area's middle (WGS 84)
    """,
)

CAMPAIGNS = reference(
    "silver.campaigns",
    "campaign × validity",
    ("campaign_id",),
    """
        campaign_id STRING NOT NULL       | none       | campaign
        name STRING                       | none       | campaign name
        campaign_type STRING              | none       | kind of campaign as delivered
        start_date DATE                   | none       | first day
        end_date DATE                     | none       | last day
    """,
)

EXCHANGE_RATES = reference(
    "silver.exchange_rates",
    "currency × day × knowledge",
    ("currency", "rate_date"),
    """
        currency STRING NOT NULL          | none       | ISO 4217 code of the native currency
        rate_date DATE NOT NULL           | none       | business day for which the rate holds
        rate DECIMAL(18,8) NOT NULL       | none       | business.currency units for one unit of `currency`
    """,
)

CONSENTS = reference(
    "silver.consents",
    "identifier × purpose × time",
    ("identity_key", "purpose"),
    """
        identity_key STRING NOT NULL      | pseudonym  | pseudonym of the identifier that consented
        bucket INT NOT NULL               | none       | pmod(xxhash64(identity_key), lake.buckets)
        purpose STRING NOT NULL           | attribute  | what the consent is for
        granted BOOLEAN NOT NULL          | attribute  | opted in (true) or out (false)
        legal_basis STRING                | none       | legal basis
    """,
)

IDENTITIES = Table(
    name="silver.identities",
    grain="one identifier",
    key=("identifier",),
    statistics=("bucket", "batch_id"),
    columns=parse_columns("""
        identifier STRING NOT NULL        | pseudonym  | pseudonym of the identifier (an identity key)
        identifier_type STRING NOT NULL   | none       | login, account, email, phone, loyalty, card, device, cookie or household
        bucket INT NOT NULL               | none       | pmod(xxhash64(identifier), lake.buckets)
        surrogate STRING NOT NULL         | pseudonym  | stored at first sight, a function of the first pseudonym; key rotation never changes it
        customer_id STRING NOT NULL       | pseudonym  | the person: surrogate of the component's oldest identifier
        first_seen TIMESTAMP NOT NULL     | attribute  | earliest event_time or valid_from known (UTC)
        valid_from TIMESTAMP NOT NULL     | none       | from when the assignment holds
        batch_id BIGINT NOT NULL          | none       | batch that brought the identifier; knowledge time
    """),
)
