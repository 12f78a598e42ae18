"""An append-only directory of npz shards with a manifest: what trial stores and scan libraries are kept in.

    DIR/manifest.jsonl    first line: the identity (format, code version, configuration, its hash); then a line a shard
    DIR/shards/*.npz      arrays and, inside, the JSON of identity and shard

A shard is written under a temporary name and renamed, and describes itself completely; the manifest only makes
opening fast and shows when a shard went missing. A process killed at any moment therefore loses at most the shard it
was writing: a shard whose manifest line is missing or torn is found in the directory and adopted (docs/adr).

Small shards may be joined: the new one names those it replaces, in its own file too, and they are removed only when it
is there. Killed in between, both are there, and the small ones are ignored.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from nusky.files.atomic import TEMPORARY_SUFFIX, atomic_write, sync_files
from nusky.files.identity import Identity
from nusky.files.manifest import REPLACES, checked, entry_of, line_of, replaced_by
from nusky.files.npz import DamagedFile, read_npz, write_npz
from nusky.files.paths import as_path
from nusky.files.shard import Problem, Replaced, Shard

__all__ = ["Journal", "without_collection"]

_log = logging.getLogger("nusky")

_STALE = 3600.0  # seconds: a temporary file older than this has no writer any more
_SYNC = 1.0  # seconds between syncs of what was written: what a power cut may cost; a kill costs nothing of it


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Without the garbage collector, which looks at all entries again and again while they are made."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _sync_rest(directory: str, names: list[str]) -> None:
    if names:
        sync_files(directory, names, threads=False)


class Journal:
    """The directory itself; `TrialStore` and `ScanLibrary` give it meaning.

    Parameters
    ----------
    path : path-like
        Directory; made if `identity` is given and it does not exist.
    identity : Identity, optional
        None opens what is there. Otherwise the directory must be new or have this identity.
    mix_versions : bool
        Accept shards written by another version of the code.

    Raises
    ------
    FileNotFoundError
        If there is no such directory and no `identity`.
    ValueError
        If the directory has another identity (every differing key is named) or is something else.
    """

    def __init__(
        self, path: str | os.PathLike[str], identity: Identity | None = None, *, mix_versions: bool = False
    ) -> None:
        self.path = as_path(path)
        self.mix_versions = mix_versions
        self._manifest = self.path / "manifest.jsonl"
        self.changes: list[tuple[bool, Shard]] = []  # (True, added) or (False, removed), since it was opened
        self._manifest_read = 0  # bytes of the manifest that were read already
        self._listed: dict[str, dict[str, Any]] = {}
        self._shards: dict[str, Shard] = {}
        self._problems: dict[str, Problem] = {}
        self._replaced: dict[str, str] = {}  # shards whose content another one has: that one
        self._synced = -_SYNC
        self._unsynced: list[str] = []
        # size and time of files found damaged, until they are replaced
        self._unreadable: dict[str, tuple[int, int]] = {}
        stored = self._read_identity(missing_ok=identity is not None)
        if stored is None:
            assert identity is not None
            self.identity = identity
            self._create()
        else:
            if identity is not None:
                stored.require_same(identity, str(self.path), mix_versions=mix_versions)
            self.identity = stored
        self._remove_stale()
        weakref.finalize(self, _sync_rest, str(self.path / "shards"), self._unsynced)
        with without_collection():
            self.refresh()
        if identity is not None:
            self._finish_replacements()

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The usable shards, by name."""
        return tuple(self._shards[name] for name in sorted(self._shards))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Shards that are damaged, missing or foreign."""
        return tuple(self._problems.values())

    def follow(self) -> None:
        """Take what other processes have written into the manifest since the last look.

        Its cost does not grow with the number of shards, as that of `refresh` does. A shard whose writer was killed
        before its line was written is found by `refresh` only.
        """
        for name, entry in self._read_manifest(fresh_only=True).items():
            if name not in self._shards and name not in self._unreadable:
                try:
                    size = os.stat(self.path / "shards" / name).st_size
                except OSError:
                    continue
                if size == entry["n_bytes"]:
                    self._accept(Shard(name, size, entry["meta"]))

    def refresh(self) -> None:
        """Look again at what is on disk: other processes may have added shards."""
        listed = self._read_manifest()
        present = {e.name: e for e in os.scandir(self.path / "shards") if e.name.endswith(".npz")}
        for name in self._shards.keys() - present.keys():
            self._remove(name)
        # a shard is never changed, only replaced whole: those already known need no look at their file
        for name in present.keys() - self._shards.keys():
            if name in self._replaced:
                continue
            stat = present[name].stat()
            if self._unreadable.get(name) == (stat.st_size, stat.st_mtime_ns):
                continue
            if name in listed and listed[name]["n_bytes"] == stat.st_size:
                self._accept(Shard(name, stat.st_size, listed[name]["meta"]))
            else:
                # not listed, or replaced after it was listed: the file itself decides
                self._adopt(name, stat.st_size)
        # a joined shard that was joined itself is gone: what it had replaced is in the later one
        for name in reversed(listed):
            if name in self._replaced:
                self._note_replaced(name, listed[name]["meta"])
        for name in listed.keys() - present.keys() - self._replaced.keys():
            self._report(name, "is in the manifest but its file is gone")

    def append(self, name: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Shard:
        """Write one shard atomically, then its manifest line.

        Raises
        ------
        OSError
            Full disk, no permission: the file is named and nothing half-written is left.
        """
        return self._write(name, arrays, meta)[0]

    def join(
        self, name: str, parts: Sequence[Shard], arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]
    ) -> Shard:
        """Write one shard with the content of several and remove those; nothing is ever in none."""
        shard, listed = self._write(name, arrays, {**meta, REPLACES: [part.name for part in parts]})
        if listed:  # else others could not know where the parts went: they stay, and are ignored
            names = {part.name for part in parts}
            self._unsynced[:] = [name for name in self._unsynced if name not in names]
            self._unlink(names)
        return shard

    def _write(self, name: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> tuple[Shard, bool]:
        """Write a shard and its line; False if the line could not be written."""
        described = {"identity": self.identity.as_dict(), "shard": meta}
        shard = Shard(name, write_npz(self.path / "shards" / name, arrays, described, durable=False), dict(meta))
        return shard, self._list(shard)

    def _list(self, shard: Shard) -> bool:
        """Count a shard that is there; False if its line could not be written."""
        listed = self._add_line({"name": shard.name, "n_bytes": shard.n_bytes, "meta": shard.meta})
        self._accept(shard)
        self._unsynced.append(shard.name)
        self.sync(_SYNC)
        return listed

    def take(self, source: Journal, shard: Shard) -> Shard:
        """Have a shard of another journal of the same identity: a hard link where that can be, else a copy."""
        origin, target = source.path / "shards" / shard.name, self.path / "shards" / shard.name
        try:
            os.link(origin, target)
        except OSError:
            with open(origin, "rb") as old, atomic_write(target, durable=False) as new:
                shutil.copyfileobj(old, new)
        self._list(shard)
        return shard

    def sync(self, every: float = 0.0) -> None:
        """Make all shards durable against a power cut, unless that was done less than `every` seconds ago.

        Many at once cost little more than one: they share a commit of the file system.
        """
        now = time.monotonic()
        if now - self._synced >= every:
            sync_files(self.path / "shards", self._unsynced)
            self._unsynced.clear()
            self._synced = now

    def _unlink(self, names: Iterable[str]) -> None:
        self.sync()  # the joined shard first
        for name in names:
            with contextlib.suppress(OSError):  # another process did it, or will
                os.unlink(self.path / "shards" / name)

    def _finish_replacements(self) -> None:
        """Remove what joined shards have replaced, where a kill came between; only if the joined one can be read."""
        left: dict[str, list[str]] = {}
        for part, joined in self._replaced.items():
            if (self.path / "shards" / part).exists():
                left.setdefault(joined, []).append(part)
        for joined, parts in left.items():
            shard = self._shards.get(joined)
            if shard is not None and self.read(shard) is not None:
                self._unlink(parts)

    def read(self, shard: Shard, columns: Sequence[str] | None = None) -> dict[str, NDArray[Any]] | None:
        """Arrays of a shard (all, or those named); None if it is damaged, which is reported and remembered.

        Raises
        ------
        Replaced
            If another process has joined it with others meanwhile.
        """
        try:
            return read_npz(self.path / "shards" / shard.name, columns)[1]
        except (OSError, DamagedFile) as e:
            if isinstance(e, FileNotFoundError) and self._was_replaced(shard.name):
                raise Replaced(shard.name) from None
            self._report(shard.name, f"cannot be read ({e})")
            self._remove(shard.name)
            with contextlib.suppress(OSError):
                stat = os.stat(self.path / "shards" / shard.name)
                self._unreadable[shard.name] = (stat.st_size, stat.st_mtime_ns)
            return None

    def _was_replaced(self, name: str) -> bool:
        self.follow()
        if name not in self._replaced:
            self.refresh()
        return name in self._replaced

    def held(self, name: str) -> Mapping[str, Any] | None:
        """What the manifest says of a shard, usable or not; None if it does not list it."""
        entry = self._listed.get(name)
        return None if entry is None else entry["meta"]

    def retire(self, name: str) -> None:
        """Move a file that cannot be used out of the way, to ``NAME.damaged``, before its content is written anew.

        Its size is as the manifest says: the next process would take it for whole, and the new shards for a second
        copy of the same trials.
        """
        path = self.path / "shards" / name
        with contextlib.suppress(OSError):  # gone already, or not ours to move: then reading distinguishes them
            os.replace(path, path.with_name(name + ".damaged"))
            _log.warning("%s: shard %s is kept as %s.damaged, its content is written anew", self.path, name, name)

    def verify(self) -> tuple[Problem, ...]:
        """Read every shard to the last byte (the checksums inside are compared); returns all `problems`."""
        for shard in self.shards:
            with contextlib.suppress(Replaced):
                self.read(shard)
        return self.problems

    def _accept(self, shard: Shard) -> None:
        if shard.name in self._replaced:
            return
        old = self._shards.get(shard.name)
        if old is not None:
            self.changes.append((False, old))
        self._shards[shard.name] = shard
        self._problems.pop(shard.name, None)
        self.changes.append((True, shard))
        self._note_replaced(shard.name, shard.meta)

    def _note_replaced(self, name: str, meta: Mapping[str, Any]) -> None:
        for part in replaced_by(meta):
            self._replaced[part] = name
            self._remove(part)
            self._problems.pop(part, None)

    def _remove(self, name: str) -> None:
        old = self._shards.pop(name, None)
        if old is not None:
            self.changes.append((False, old))
            for part in replaced_by(old.meta) if name not in self._replaced else ():
                self._replaced.pop(part, None)  # if they are still there, they count again

    def _report(self, name: str, reason: str) -> None:
        if name not in self._problems:
            self._problems[name] = Problem(name, reason)
            _log.warning("%s: shard %s %s; it is left out, its trials count as missing", self.path, name, reason)

    def _adopt(self, name: str, size: int) -> None:
        try:
            described, _ = read_npz(self.path / "shards" / name, ())
            identity = described["identity"]
            made_by = Identity(identity["format"], identity["version"], identity["config"])
            self.identity.require_same(made_by, f"shard {name}", mix_versions=self.mix_versions)
        except (OSError, ValueError, KeyError, TypeError) as e:
            self._report(name, f"cannot be used ({e})")
            return
        self._accept(Shard(name, size, described["shard"]))

    def _read_identity(self, *, missing_ok: bool) -> Identity | None:
        if not self._manifest.exists():
            if self.path.exists() and any(self.path.iterdir()):
                # killed in its first breath, a store has an empty shards directory only: that may be completed
                if missing_ok and all(
                    p.name == "shards" or p.name.endswith(TEMPORARY_SUFFIX) for p in self.path.iterdir()
                ):
                    return None
                raise ValueError(
                    f"{self.path} has no manifest.jsonl but holds other files: give an empty or new directory"
                )
            if missing_ok:
                return None
            raise FileNotFoundError(
                f"{self.path} holds no manifest.jsonl: there is no store there; make one by giving its configuration"
            )
        with open(self._manifest, "rb") as f:
            first = f.readline()
        line = checked(first)
        try:
            if line is None:
                raise ValueError("its checksum is wrong")
            return Identity(line["format"], line["version"], line["config"])
        except (ValueError, KeyError) as e:
            raise ValueError(
                f"{self._manifest} does not begin with the identity of a store ({e}): it is damaged or something else"
            ) from e

    def _create(self) -> None:
        try:
            (self.path / "shards").mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise type(e)(e.errno, f"{self.path} cannot be made: {e.strerror}", str(self.path)) from None
        with atomic_write(self._manifest) as f:
            f.write(line_of(self.identity.as_dict()) + b"\n")

    def _read_manifest(self, *, fresh_only: bool = False) -> dict[str, dict[str, Any]]:
        """Entries by shard name, all or those since the last look; only what was added since then is read."""
        fresh = {}
        with open(self._manifest, "rb") as f:
            f.seek(self._manifest_read)
            new = f.read()
        # the last line may still be in the writing: it is read again next time
        self._manifest_read += max(new.rfind(b"\n"), 0)
        for line in new.split(b"\n"):
            if (entry := entry_of(line)) is not None:
                self._listed[entry["name"]] = fresh[entry["name"]] = entry
        return fresh if fresh_only else self._listed

    def _add_line(self, entry: Mapping[str, Any]) -> bool:
        # one write with O_APPEND; the newline comes first so that a line torn by a kill spoils only itself. Not synced:
        # a shard whose line a power cut took is found in the directory
        line = b"\n" + line_of(entry)
        fd = os.open(self._manifest, os.O_WRONLY | os.O_APPEND)
        try:
            return os.write(fd, line) == len(line)
        except OSError as e:
            _log.warning(
                "%s: the manifest could not be extended (%s); the shard itself is safe and will be found",
                self.path,
                e.strerror,
            )
            return False
        finally:
            os.close(fd)

    def _remove_stale(self) -> None:
        now = time.time()
        for directory in (self.path, self.path / "shards"):
            for e in os.scandir(directory):
                with contextlib.suppress(OSError):
                    if e.name.endswith(TEMPORARY_SUFFIX) and now - e.stat().st_mtime > _STALE:
                        os.unlink(e.path)
