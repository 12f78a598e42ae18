"""How things are on disk: whole or not at all, described by themselves, recognised by their content."""

from __future__ import annotations

from nusky.files.atomic import atomic_write
from nusky.files.digests import file_digest, sha256_of, user_cache_dir
from nusky.files.hashing import content_hash
from nusky.files.identity import Identity, config_hash, differences
from nusky.files.journal import Journal
from nusky.files.npz import DamagedFile, read_format, read_npz, write_npz
from nusky.files.paths import as_path
from nusky.files.shard import Problem, Replaced, Shard

__all__ = [
    "DamagedFile",
    "Identity",
    "Journal",
    "Problem",
    "Replaced",
    "Shard",
    "as_path",
    "atomic_write",
    "config_hash",
    "content_hash",
    "differences",
    "file_digest",
    "read_format",
    "read_npz",
    "sha256_of",
    "user_cache_dir",
    "write_npz",
]
