"""Files that must not be read as they are: links that lead out of the landing zone, and small files that unpack to huge
ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from omniseg.lake.landing import THREADS, file_system, hadoop_path, java_class, jvm

LOCAL = re.compile(r"^(file:)?/+")
MEGABYTE = 1_048_576
PLAIN = (".jsonl", ".json", ".csv", ".txt", ".parquet")  # names of files that no codec claims; most are of these


def hostile_files(spark: SparkSession, paths: Sequence[str], *, pattern: str, unpacked_mb: int) -> dict[str, str]:
    """Path -> why the file must not be read, for those of which there is a reason."""
    with ThreadPoolExecutor(THREADS) as pool:
        reasons = pool.map(lambda path: leads_out(path, pattern) or unpacks_badly(spark, path, unpacked_mb), paths)
        return {path: reason for path, reason in zip(paths, reasons, strict=True) if reason}


def leads_out(path: str, pattern: str) -> str:
    """Why a local file does not lie in the folder that the glob names; '' where it does, and elsewhere than on disks,
    as object stores have no links.
    """
    if not LOCAL.match(path):
        return ""
    folder, real = fixed_folder(plain(pattern)), os.path.realpath(plain(path))
    inside = os.path.commonpath([os.path.realpath(folder), real]) == os.path.realpath(folder)
    return "" if inside else f"it is a link that leads out of {folder}"


def plain(path: str) -> str:
    """A local path without its scheme."""
    return LOCAL.sub("/", path)


def fixed_folder(pattern: str) -> str:
    """The folder above the first part of a glob that is not a plain name."""
    return os.path.dirname(re.split(r"[*?{\[]", pattern)[0]) or "."


def unpacks_badly(spark: SparkSession, path: str, limit: int) -> str:
    """Why a compressed file must not be unpacked: too large, or damaged; '' for others. Reads it up to the limit."""
    if path.endswith(PLAIN):
        return ""
    located = hadoop_path(spark, path)
    view = jvm(spark)
    files = file_system(spark, located)
    codec = java_class(view, "org.apache.hadoop.io.compress.CompressionCodecFactory")(files.getConf()).getCodec(located)
    if codec is None:
        return ""
    stream = files.open(located)
    try:
        most = limit * MEGABYTE
        unpacked = java_class(view, "org.apache.commons.io.IOUtils").skip(codec.createInputStream(stream), most + 1)
        return f"it unpacks to more than {limit} MB (landing.max_unpacked_mb)" if unpacked > most else ""
    except Py4JJavaError as error:
        return f"its compressed content cannot be read to its end ({error.java_exception.getClass().getSimpleName()})"
    finally:
        stream.close()
