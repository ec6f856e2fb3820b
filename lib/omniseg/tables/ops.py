"""Operational tables: runs, delivered files, leases, schema versions."""

from __future__ import annotations

from omniseg.tables.model import Table, parse_columns

RUNS = Table(
    name="ops.runs",
    grain="run × source",
    key=("run_id", "source"),
    columns=parse_columns("""
        run_id STRING NOT NULL            | none | names the run
        command STRING NOT NULL           | none | command of the run
        as_of DATE                        | none | date that names the run
        source STRING NOT NULL            | none | source whose counts follow; '(all)' for commands that read no sources
        read BIGINT NOT NULL              | none | records (rows, where a record is exploded) read
        accepted BIGINT NOT NULL          | none | rows written to silver
        duplicates BIGINT NOT NULL        | none | rows that repeat an accepted event
        quarantined BIGINT NOT NULL       | none | rows written to quarantine
        suppressed BIGINT NOT NULL        | none | rows of erased persons
        unattributed BIGINT NOT NULL      | none | accepted events without any identifier
        bots BIGINT NOT NULL              | none | accepted events of machines, declared or detected
        batch_id BIGINT                   | none | batch that the run wrote
        started_at TIMESTAMP NOT NULL     | none | start (UTC)
        seconds DOUBLE NOT NULL           | none | duration, seconds
        exit_code INT NOT NULL            | none | exit code of the run
        detail STRING                     | none | snapshot published, or the error in words
    """),
)

FILES = Table(
    name="ops.files",
    grain="delivery of a file",
    key=("source", "path", "content_hash"),
    columns=parse_columns("""
        source STRING NOT NULL            | none | declaration that takes the file
        path STRING NOT NULL              | none | full path
        size BIGINT NOT NULL              | none | bytes
        mtime TIMESTAMP NOT NULL          | none | modification time (UTC) = received_at of its records
        content_hash STRING NOT NULL      | none | the store's checksum, or SHA-256 of the bytes
        rows BIGINT                       | none | records read from it
        batch_id BIGINT NOT NULL          | none | batch that took it
        status STRING NOT NULL            | none | taken or refused
        detail STRING                     | none | why it was refused, or what was noticed (new columns)
    """),
)

LOCKS = Table(
    name="ops.locks",
    grain="lease",
    key=("name",),
    columns=parse_columns("""
        name STRING NOT NULL              | none | what is locked
        holder STRING NOT NULL            | none | run_id of the holder; '' = free
        host STRING NOT NULL              | none | machine of the holder
        pid BIGINT NOT NULL               | none | process of the holder
        process_start STRING NOT NULL     | none | start of that process, so that a reused pid is not taken for it
        expires_at TIMESTAMP NOT NULL     | none | end of the lease unless renewed (UTC)
    """),
)

MIGRATIONS = Table(
    name="ops.migrations",
    grain="object × version",
    key=("object", "version"),
    columns=parse_columns("""
        object STRING NOT NULL            | none | table:<name>, or source:<name> for a pinned schema
        version INT NOT NULL              | none | counts from 1
        definition STRING NOT NULL        | none | DDL or declaration that holds from this version on
        applied_at TIMESTAMP NOT NULL     | none | when (UTC)
        run_id STRING NOT NULL            | none | run that applied it
    """),
)
