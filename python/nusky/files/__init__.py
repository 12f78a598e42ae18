"""How things are on disk: whole or not at all, described by themselves, recognised by their content."""

from __future__ import annotations

from nusky.files.atomic import atomic_write
from nusky.files.checked_json import read_json, write_json
from nusky.files.digests import file_digest, sha256_of, user_cache_dir
from nusky.files.fits_file import (
    MOST_BYTES,
    add_checksums,
    checked_fits,
    damage_said,
    guarded,
    unpacked,
    with_checksums,
)
from nusky.files.hashing import content_hash
from nusky.files.identity import Identity, config_hash, differences
from nusky.files.journal import Journal, without_collection
from nusky.files.npz import DamagedFile, read_format, read_npz, write_npz
from nusky.files.paths import as_path
from nusky.files.shard import Problem, Replaced, Shard

__all__ = [
    "MOST_BYTES",
    "DamagedFile",
    "Identity",
    "Journal",
    "Problem",
    "Replaced",
    "Shard",
    "add_checksums",
    "as_path",
    "atomic_write",
    "checked_fits",
    "config_hash",
    "content_hash",
    "damage_said",
    "differences",
    "file_digest",
    "guarded",
    "read_format",
    "read_json",
    "read_npz",
    "sha256_of",
    "unpacked",
    "user_cache_dir",
    "with_checksums",
    "without_collection",
    "write_json",
    "write_npz",
]
