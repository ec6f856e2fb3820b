"""The landing zone: which files lie there, their content hashes and first lines. Works on any Hadoop file system."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache, reduce
from typing import Any

from pyspark.sql import SparkSession

THREADS = 8  # parallel requests to the store; they wait for it, not for a processor


@dataclass(frozen=True, order=True)
class DeliveredFile:
    """One file as the store lists it; `mtime` is UTC and becomes received_at of its records."""

    path: str
    size: int
    mtime: datetime


def list_files(spark: SparkSession, pattern: str) -> list[DeliveredFile]:
    """All files that match a glob, sorted by path; a pattern without any match gives an empty list."""
    path = hadoop_path(spark, pattern)
    statuses = file_system(spark, path).globStatus(path)
    found = [delivered(status) for status in (statuses or []) if status.isFile()]
    return sorted(found)


def delivered(status: Any) -> DeliveredFile:
    """A Hadoop FileStatus as ours."""
    mtime = datetime.fromtimestamp(status.getModificationTime() / 1000, timezone.utc)
    return DeliveredFile(status.getPath().toString(), int(status.getLen()), mtime)


def absolute(spark: SparkSession, path: str) -> str:
    """A path as the file system lists it: whole, with its scheme. A relative one begins where the run was started."""
    located = hadoop_path(spark, path)
    return str(file_system(spark, located).makeQualified(located).toString())


def content_hashes(spark: SparkSession, paths: list[str]) -> dict[str, str]:
    """Per path the store's own checksum, or SHA-256 of the bytes where the store has none (local disks)."""
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(paths, pool.map(lambda path: content_hash(spark, path), paths), strict=True))


def content_hash(spark: SparkSession, path: str) -> str:
    """Content hash of one file; the bytes are read by the JVM, not by Python."""
    located = hadoop_path(spark, path)
    files = file_system(spark, located)
    checksum = None if located.toUri().getScheme() in (None, "file") else files.getFileChecksum(located)
    if checksum is not None:
        return f"{checksum.getAlgorithmName()}:{checksum.toString()}"
    stream = files.open(located)
    try:
        return "sha256:" + str(java_class(jvm(spark), "org.apache.commons.codec.digest.DigestUtils").sha256Hex(stream))
    finally:
        stream.close()


def first_lines(spark: SparkSession, paths: list[str], encoding: str) -> dict[str, str]:
    """The first line of each file, '' for an empty one; byte-order marks are dropped."""
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(paths, pool.map(lambda path: first_line(spark, path, encoding), paths), strict=True))


def first_line(spark: SparkSession, path: str, encoding: str) -> str:
    """The first line of one text file."""
    located = hadoop_path(spark, path)
    java = jvm(spark).java.io
    reader = java.BufferedReader(java.InputStreamReader(file_system(spark, located).open(located), encoding))
    try:
        return (reader.readLine() or "").removeprefix("\ufeff")
    finally:
        reader.close()


def whole_text(spark: SparkSession, path: str) -> str:
    """All of a small UTF-8 file; a byte-order mark is dropped."""
    located = hadoop_path(spark, path)
    stream = file_system(spark, located).open(located)
    try:
        return str(jvm(spark).org.apache.commons.io.IOUtils.toString(stream, "UTF-8")).removeprefix("\ufeff")
    finally:
        stream.close()


def folder_exists(spark: SparkSession, path: str) -> bool:
    """True when the folder (or file) exists."""
    located = hadoop_path(spark, path)
    return bool(file_system(spark, located).exists(located))


def hadoop_path(spark: SparkSession, path: str) -> Any:
    """A Hadoop Path object."""
    return java_class(jvm(spark), "org.apache.hadoop.fs.Path")(path)


def file_system(spark: SparkSession, path: Any) -> Any:
    """The file system that a Hadoop Path lives on."""
    return path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())


def jvm(spark: SparkSession) -> Any:
    """The JVM gateway: Hadoop's file API has no Python twin."""
    return spark.sparkContext._jvm


@cache
def java_class(view: Any, name: str) -> Any:
    """A class of the JVM. Kept, because every part of the name is a question to the JVM, for every file anew."""
    return reduce(getattr, name.split("."), view)
