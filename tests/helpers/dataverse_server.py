"""A Dataverse on the loopback: the two calls that fetching makes, and what goes wrong on real servers."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Dataverse", "dataverse"]


@dataclass
class Dataverse:
    """A folder as a data set.

    Faults, each for paths (relative to the folder): `cut` ends the connection after so many bytes, once for each;
    `altered` sends other bytes; `converted` sends the server's own tab-separated table; `page` sends a web page with
    status 200; `status` refuses with this code, once for each. `ranges` False: ranges are not known.
    """

    folder: Path
    doi: str = "10.7910/DVN/MMIIZA"
    version: str = "2.0"
    ranges: bool = True
    cut: dict[str, list[int]] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)
    converted: set[str] = field(default_factory=set)
    page: set[str] = field(default_factory=set)
    status: dict[str, list[int]] = field(default_factory=dict)
    listing: Any = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def paths(self) -> list[str]:
        """Files of the data set."""
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())

    def answer(self) -> Any:
        """The list of files, as the native API gives it."""
        files = []
        for number, path in enumerate(self.paths):
            raw = (self.folder / path).read_bytes()
            name, folder = Path(path).name, Path(path).parent.as_posix()
            data: dict[str, Any] = {"id": number, "filename": name, "filesize": len(raw)}
            data["md5"] = hashlib.md5(raw).hexdigest()
            data["checksum"] = {"type": "MD5", "value": data["md5"]}
            entry: dict[str, Any] = {"label": name, "dataFile": data}
            if folder != ".":
                entry["directoryLabel"] = folder
            if name.endswith(".csv"):  # taken in as a table: shown as .tab, kept as it was uploaded, too
                data |= {"originalFileName": name, "originalFileFormat": "text/csv", "originalFileSize": len(raw)}
                data |= {"filename": name[:-4] + ".tab", "filesize": len(self.table(path))}
                entry["label"] = data["filename"]
            files.append(entry)
        return {"status": "OK", "data": {"versionNumber": int(self.version[0]), "files": files}}

    def table(self, path: str) -> bytes:
        """The server's own form of a table: tabs, quoted names."""
        rows = [line.lstrip("#").split() for line in (self.folder / path).read_text().splitlines()]
        quoted = "\t".join(f'"{name}"' for name in rows[0])
        return "\n".join([quoted, *("\t".join(row) for row in rows[1:])]).encode() + b"\n"


@contextmanager
def dataverse(folder: Path, **options: Any) -> Iterator[Dataverse]:
    """A running server; its address is `url`."""
    served = Dataverse(folder, **options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, served)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(http: BaseHTTPRequestHandler, served: Dataverse) -> None:
    url = urllib.parse.urlsplit(http.path)
    query = urllib.parse.parse_qs(url.query)
    if url.path.startswith("/api/datasets/:persistentId/versions/"):
        known = query.get("persistentId") == [f"doi:{served.doi}"] and url.path.endswith(f"/{served.version}")
        reply = (served.answer() if served.listing is None else served.listing) if known else {"status": "ERROR"}
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        _send(http, 200 if known else 404, raw, "application/json")
        return
    number = re.fullmatch(r"/api/access/datafile/(\d+)", url.path)
    path = served.paths[int(number.group(1))] if number else ""
    served.requests.append((path, http.headers.get("Range", "")))
    if served.status.get(path):
        _send(http, served.status[path].pop(0), b"no", "text/plain")
    elif path in served.page:
        _send(http, 200, b"<html><title>Too busy</title></html>", "text/html")
    else:
        _send_file(http, served, path, query.get("format") == ["original"])


def _send_file(http: BaseHTTPRequestHandler, served: Dataverse, path: str, original: bool) -> None:
    converted = path in served.converted or (path.endswith(".csv") and not original)
    raw = served.table(path) if converted else (served.folder / path).read_bytes()
    if path in served.altered:
        raw = raw[:-1] + bytes([raw[-1] ^ 1])
    name = Path(path).name
    start = 0
    given = re.fullmatch(r"bytes=(\d+)-", http.headers.get("Range", ""))
    if given and served.ranges:
        start = int(given.group(1))
    http.send_response(206 if start else 200)
    if start:
        http.send_header("Content-Range", f"bytes {start}-{len(raw) - 1}/{len(raw)}")
    kind, shown = ("text/tab-separated-values", name[:-4] + ".tab") if converted else ("text/csv", name)
    http.send_header("Content-Type", f'{kind}; name="{shown}"')
    http.send_header("Content-Disposition", f'attachment; filename="{shown}"')
    http.send_header("Content-Length", str(len(raw) - start))
    http.end_headers()
    cuts = served.cut.get(path)
    http.wfile.write(raw[start : start + cuts.pop(0)] if cuts else raw[start:])


def _send(http: BaseHTTPRequestHandler, status: int, raw: bytes, kind: str) -> None:
    http.send_response(status)
    http.send_header("Content-Type", kind)
    http.send_header("Content-Length", str(len(raw)))
    http.end_headers()
    http.wfile.write(raw)
