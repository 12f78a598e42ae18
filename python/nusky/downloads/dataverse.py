"""What a Dataverse server says about a data set: its files, their sizes and checksums."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

__all__ = ["RemoteFile", "list_files"]

_TIMEOUT = 60.0


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Parameters
    ----------
    path : str
        Where it goes, relative to the release's folder, under its original name.
    url : str
        Of the file as it was uploaded.
    size : int
        Bytes; of the file as uploaded.
    checksum : str
        Such as ``md5:…``, of the file as uploaded.
    """

    path: str
    url: str
    size: int
    checksum: str


def list_files(server: str, doi: str, version: str) -> tuple[RemoteFile, ...]:
    """Files of a version of a data set, by Dataverse's native API.

    Tables that the server has converted (``.tab``) are asked for as they were uploaded: their checksum is of that file.

    Raises
    ------
    OSError
        The server cannot be reached.
    ValueError
        It knows no such data set or version, or its answer is not understood.
    """
    query = urllib.parse.urlencode({"persistentId": f"doi:{doi}"})
    url = f"{server.rstrip('/')}/api/datasets/:persistentId/versions/{version}?{query}"
    data = _answer(url, f"doi:{doi} version {version}")
    try:
        files = tuple(_file(server.rstrip("/"), entry) for entry in data["files"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{url}: the answer has no list of files as Dataverse gives it ({error!r})") from None
    if not files:
        raise ValueError(f"{url}: the data set has no files in this version")
    twice = sorted({file.path for file in files if [other.path for other in files].count(file.path) > 1})
    if twice:
        raise ValueError(f"{url}: file(s) listed twice: {', '.join(twice)}")
    return files


def _answer(url: str, what: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as reply:
            text = reply.read()
    except urllib.error.HTTPError as error:
        with error:
            raise ValueError(f"{url}: the server has no {what} ({error.code} {error.reason})") from None
    except urllib.error.URLError as error:
        raise OSError(f"{url}: the server cannot be reached ({error.reason}); check the connection") from None
    try:
        answer = json.loads(text)
        if answer["status"] != "OK":
            raise ValueError(f"{url}: the server says {answer.get('message', answer['status'])!r}")
        return answer["data"]
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        shown = " ".join(text[:200].decode("latin-1").split())[:80]
        raise ValueError(f"{url}: no answer as Dataverse gives it: {shown!r}; is this a Dataverse server?") from None


def _file(server: str, entry: dict[str, Any]) -> RemoteFile:
    data = entry["dataFile"]
    converted = "originalFileName" in data or "originalFileFormat" in data
    name = data.get("originalFileName") or entry.get("label") or data["filename"]
    if converted and "originalFileName" not in data:
        name = str(PurePosixPath(name).with_suffix(".csv"))
    path = PurePosixPath(entry.get("directoryLabel") or "", name)
    if path.is_absolute() or ".." in path.parts or "\\" in str(path):
        raise ValueError(f"{server}: the file name {str(path)!r} would leave the folder it belongs to")
    checksum = data.get("checksum") or {"type": "MD5", "value": data["md5"]}
    return RemoteFile(
        path=str(path),
        url=f"{server}/api/access/datafile/{int(data['id'])}" + ("?format=original" if converted else ""),
        size=int(data.get("originalFileSize", data["filesize"]) if converted else data["filesize"]),
        checksum=f"{checksum['type'].lower().replace('-', '')}:{checksum['value'].lower()}",
    )
