"""Tables of results: partial aggregates, features, segment snapshots and what explains them."""

from __future__ import annotations

from omniseg.tables.model import Table, parse_columns

CUSTOMER_DAY = Table(
    name="gold.customer_day",
    grain="identity key × date × batch",
    key=("identity_key", "event_date", "batch_id"),
    statistics=("event_date", "batch_id", "bucket"),
    generated=True,
    columns=parse_columns("""
        identity_key STRING NOT NULL      | pseudonym  | identity key of the events
        bucket INT NOT NULL               | none       | pmod(xxhash64(identity_key), lake.buckets)
        event_date DATE NOT NULL          | attribute  | business day
        batch_id BIGINT NOT NULL          | none       | batch whose events are summed; knowledge time
    """),
)

CUSTOMER_CHANGES = Table(
    name="gold.customer_changes",
    grain="identity key × batch that changed earlier days of it",
    key=("identity_key", "batch_id"),
    statistics=("batch_id", "bucket"),
    columns=parse_columns("""
        identity_key STRING NOT NULL      | pseudonym  | identity key whose days of earlier batches were summed anew
        bucket INT NOT NULL               | none       | pmod(xxhash64(identity_key), lake.buckets)
        batch_id BIGINT NOT NULL          | none       | batch that brought the reason: a rate, a product, more events of a machine; knowledge time
    """),
)

CUSTOMER_FEATURES = Table(
    name="gold.customer_features",
    grain="customer × as_of",
    key=("customer_id", "as_of"),
    statistics=("as_of", "bucket"),
    generated=True,
    columns=parse_columns("""
        customer_id STRING NOT NULL       | pseudonym  | the person
        bucket INT NOT NULL               | none       | pmod(xxhash64(customer_id), lake.buckets)
        as_of DATE NOT NULL               | none       | last business day that counts
        known_batch_id BIGINT NOT NULL    | none       | highest batch used; knowledge time
        feature_set_version STRING NOT NULL | none     | hash of the feature declarations
        cut_days BIGINT                   | attribute  | days of the person's keys that kept 4,096 elements of a set: distinct counts with such a day are estimates
    """),
)

RFM_CUTS = Table(
    name="gold.rfm_cuts",
    grain="as_of × dimension × score",
    key=("as_of", "dimension", "score"),
    statistics=("as_of",),
    columns=parse_columns("""
        as_of DATE NOT NULL               | none       | last business day that counts
        known_batch_id BIGINT NOT NULL    | none       | highest batch used; knowledge time
        feature_set_version STRING NOT NULL | none     | hash of the feature declarations
        dimension STRING NOT NULL         | none       | recency, frequency or monetary
        feature STRING NOT NULL           | none       | column of gold.customer_features that is scored
        score INT NOT NULL                | none       | 1 = worst
        least DOUBLE                      | none       | least value with this score, 3 significant digits; null = nobody has the score
        greatest DOUBLE                   | none       | greatest value with this score, 3 significant digits
        customers BIGINT NOT NULL         | none       | customers with this score; 0 = many share a value, so that no cut point lies here
    """),
)

SEGMENT_SNAPSHOTS = Table(
    name="gold.segment_snapshots",
    grain="snapshot × customer",
    key=("snapshot_id", "customer_id"),
    statistics=("snapshot_id", "as_of", "bucket"),
    columns=parse_columns("""
        snapshot_id STRING NOT NULL       | none       | <as_of>-<12 hex of sha256(manifest inputs)>
        as_of DATE NOT NULL               | none       | last business day that counts
        customer_id STRING NOT NULL       | pseudonym  | the person
        bucket INT NOT NULL               | none       | pmod(xxhash64(customer_id), lake.buckets)
        segment_id STRING NOT NULL        | attribute  | segment, stable over snapshots
        segment_path STRING NOT NULL      | attribute  | way from the root of the tree of clusters, e.g. 0.1.1
        distance DOUBLE NOT NULL          | attribute  | Euclidean distance to the segment's centre in model space, 6 significant digits
    """),
)

SNAPSHOT_MANIFEST = Table(
    name="gold.snapshot_manifest",
    grain="snapshot",
    key=("snapshot_id",),
    statistics=("snapshot_id",),
    columns=parse_columns("""
        snapshot_id STRING NOT NULL       | none       | names the snapshot; a function of its inputs
        model STRING NOT NULL             | none       | model name (model.name)
        model_version STRING NOT NULL     | none       | fitted model that assigned the customers
        as_of DATE NOT NULL               | none       | last business day that counts
        status STRING NOT NULL            | none       | staged, published or refused
        inputs STRING NOT NULL            | none       | JSON: highest batch, identity version, reference batches, feature set, model, settings; hashed into snapshot_id
        metrics STRING NOT NULL           | none       | JSON: customers, segments, shares, silhouette, movement
        bucket_hashes MAP<INT,STRING> NOT NULL | none  | multiset hash of the rows of each bucket
        run_id STRING NOT NULL            | none       | run that wrote it
        created_at TIMESTAMP NOT NULL     | none       | when it was written (UTC)
        audit STRING NOT NULL             | none       | JSON: every check with its limit, figure and verdict
    """),
)

SNAPSHOT_POINTER = Table(
    name="gold.snapshot_pointer",
    grain="publication",
    key=("model", "published_at"),
    columns=parse_columns("""
        model STRING NOT NULL             | none       | model name
        snapshot_id STRING NOT NULL       | none       | snapshot that readers see from now on
        published_at TIMESTAMP NOT NULL   | none       | moment of publication (UTC); the newest row counts
        by STRING NOT NULL                | none       | run that published
    """),
)

SEGMENT_PROFILES = Table(
    name="gold.segment_profiles",
    grain="snapshot × segment × feature",
    key=("snapshot_id", "segment_id", "feature"),
    statistics=("snapshot_id",),
    columns=parse_columns("""
        snapshot_id STRING NOT NULL       | none       | snapshot
        segment_id STRING NOT NULL        | none       | segment
        segment_name STRING NOT NULL      | none       | name for people
        customers BIGINT NOT NULL         | none       | customers in the segment
        share DOUBLE NOT NULL             | none       | part of all customers of the snapshot, 0 to 1
        feature STRING NOT NULL           | none       | feature
        mean DOUBLE                       | none       | mean over the segment's customers, nulls left out
        overall_mean DOUBLE               | none       | mean over all customers of the snapshot
        overall_stddev DOUBLE             | none       | standard deviation over all customers of the snapshot
        z DOUBLE                          | none       | (mean - overall_mean) / overall_stddev: how much the feature distinguishes the segment
    """),
)

SEGMENT_LINEAGE = Table(
    name="gold.segment_lineage",
    grain="snapshot × segment × previous segment",
    key=("snapshot_id", "segment_id", "previous_segment_id"),
    statistics=("snapshot_id",),
    columns=parse_columns("""
        snapshot_id STRING NOT NULL       | none       | snapshot
        previous_snapshot_id STRING       | none       | snapshot published before; null for the first
        segment_id STRING NOT NULL        | none       | segment in this snapshot; '(gone)' for customers that are no longer in it
        previous_segment_id STRING NOT NULL | none     | segment in the previous snapshot; '(new)' for customers that were not in it
        customers BIGINT NOT NULL         | none       | customers who went from the one to the other
    """),
)
