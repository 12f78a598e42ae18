"""The files of a follow-up: numbers, notice, circular, page, pixels, pictures, trials."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nusky.files import atomic_write
from nusky.followup.background import FILE, trials_file
from nusky.followup.notice import circular, notice
from nusky.followup.pages import report_page
from nusky.followup.pictures import as_pdf, as_png, pictures
from nusky.followup.summary import summary

if TYPE_CHECKING:
    from nusky.followup.result import FollowUp

__all__ = ["write_follow_up"]


def _pixels(found: FollowUp) -> bytes:
    """FITS table of the pixels that were fitted, explicit indices."""
    from astropy.table import Table

    scan = found.scan
    rows = np.flatnonzero(scan.scanned)
    table = Table({"PIXEL": rows.astype(np.int32), "TS": scan.ts[rows]})
    total = scan.ts + found.prior.term
    columns = {"NS": scan.ns, "GAMMA": scan.gamma, "PROB": found.prior.probability, "TS_PRIOR": total}
    for name, values in columns.items():
        table[name] = values[rows].astype(np.float32)
    table.meta |= {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": scan.nside}
    table.meta |= {"INDXSCHM": "EXPLICIT", "OBJECT": "real sky" if found.truth else "SCRAMBLE"}
    file = io.BytesIO()
    table.write(file, format="fits")
    return file.getvalue()


def write_follow_up(found: FollowUp, out: str | Path) -> tuple[Path, ...]:
    """Write all files; none is written before all are made, ``result.json`` comes last.

    Parameters
    ----------
    found : FollowUp
    out : path
        Folder; made where it is missing.

    Returns
    -------
    tuple of Path
        ``report.html``, ``notice.json``, ``circular.txt``, ``scan.fits``, ``pictures.pdf``, a PNG of each picture,
        ``background.npz`` (the trials, for ``keep=``; not with a library) and ``result.json``.

    Examples
    --------
    >>> write_follow_up(found, "GRB")                                                # doctest: +SKIP
    """
    result = summary(found)
    drawn = pictures(found)
    pngs = {name: as_png(figure) for name, (_, figure) in drawn.items()}
    shown = [(what, pngs[name]) for name, (what, _) in drawn.items()]
    contents = {
        **{f"{name}.png": png for name, png in pngs.items()},
        "pictures.pdf": as_pdf([figure for _, figure in drawn.values()]),
        "scan.fits": _pixels(found), "circular.txt": circular(found).encode(),
        **({} if found.library else {FILE: trials_file(found.runner, found.background, found.seed)}),
        "notice.json": json.dumps(notice(found), indent=2, allow_nan=False).encode(),
        "report.html": report_page(found, result, shown).encode(),
        "result.json": json.dumps(result, indent=2, allow_nan=False).encode(),
    }  # fmt: skip
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return tuple(folder / name for name in contents)
