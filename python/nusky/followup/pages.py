"""The picture and the page of a follow-up."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import Any

import numpy as np

from nusky.followup.result import FollowUp
from nusky.plotting import plot_sky
from nusky.typing import F64

__all__ = ["report_page", "sky_picture"]

_STYLE = """
:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
img{max-width:100%;background:#fff}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
div.wide{overflow-x:auto}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #8886}
th button{font:inherit;border:0;background:none;color:inherit;cursor:pointer}
.scramble{border:2px solid #d55e00;padding:.5rem 1rem}@media print{body{max-width:none}button{pointer-events:none}}
"""
_SORT = """
document.querySelectorAll("th button").forEach(b=>b.onclick=()=>{const h=b.parentNode,t=h.closest("table").tBodies[0],
i=h.cellIndex,up=h.getAttribute("aria-sort")!=="ascending",v=r=>r.cells[i].textContent;
h.parentNode.querySelectorAll("th").forEach(x=>x.removeAttribute("aria-sort"));
h.setAttribute("aria-sort",up?"ascending":"descending");
[...t.rows].sort((a,b)=>{const x=v(a),y=v(b),d=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;return up?d:-d})
.forEach(r=>t.append(r))});
"""


def _cumulated(probability: F64) -> F64:
    """(npix,) least containment of a region that holds the pixel."""
    order = np.argsort(-probability, kind="stable")
    out = np.empty_like(probability)
    out[order] = np.cumsum(probability[order])
    return out


def sky_picture(found: FollowUp) -> tuple[bytes, bytes]:
    """The prior with its 50 and 90 % contours, the events and the hottest spot: PNG and PDF.

    Examples
    --------
    >>> png, pdf = sky_picture(found)                                                # doctest: +SKIP
    """
    import healpy
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8.2))
    ax = figure.add_axes((0.06, 0.4, 0.9, 0.5), projection="aitoff")
    density = found.prior.probability / (4 * np.pi / found.prior.npix)
    shown = np.where(density > density.max() * 1e-4, np.log10(np.maximum(density, 1e-300)), np.nan)
    mark = (found.fit.ra, found.fit.dec) if found.fit.ns > 0 else None
    plot_sky(ax, shown, "log$_{10}$ of the prior [1/sr]", mark=mark)
    lon, lat = np.meshgrid(np.linspace(-np.pi, np.pi, 721), np.linspace(-np.pi / 2, np.pi / 2, 361))
    ra = (np.pi - lon) % (2 * np.pi)  # the axes have RA 180° in the middle, growing to the left
    level = _cumulated(found.prior.probability)[healpy.ang2pix(found.prior.nside, np.pi / 2 - lat, ra)]
    ax.contour(lon, lat, level, levels=[0.5, 0.9], colors=["#0072b2", "#d55e00"], linewidths=1)
    ax.set_title(_title(found) + "\ncontours: 50 % (blue), 90 % (orange)", fontsize="medium", pad=12)
    below = figure.add_axes((0.12, 0.07, 0.82, 0.25))
    below.hist(found.background, bins=40, color="#56b4e9", label=f"{len(found.background)} background trials")
    below.axvline(found.fit.ts, color="#d55e00", label=f"observed, p = {float(found.p_value):.3g}")
    below.set(xlabel="TS with the prior", ylabel="trials", yscale="log")
    below.legend()
    files = []
    for form in ("png", "pdf"):
        file = io.BytesIO()
        figure.savefig(file, format=form, dpi=120)
        files.append(file.getvalue())
    return files[0], files[1]


def _title(found: FollowUp) -> str:
    return f"{found.target.name} — " + ("real sky" if found.truth else "SCRAMBLE, not the real sky")


def report_page(found: FollowUp, result: dict[str, Any], png: bytes) -> str:
    """One HTML page that needs nothing else.

    Examples
    --------
    >>> report_page(found, summary(found), png)[:15]                                 # doctest: +SKIP
    '<!doctype html>'
    """
    title = html.escape(_title(found))
    warning = (
        "" if found.truth else '<p class="scramble">Scrambled data: this page says nothing about the real sky.</p>'
    )
    rows = [{k: "" if v is None else v for k, v in row.items()} for row in found.events]
    table = "<p>No event carries the fit.</p>"
    if rows:
        head = "".join(f'<th scope="col"><button>{html.escape(name)}</button></th>' for name in rows[0])
        cells = "".join("<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row.values()) + "</tr>" for row in rows)
        table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>'
    numbers = html.escape(json.dumps({k: v for k, v in result.items() if k != "events"}, indent=2))
    picture = base64.b64encode(png).decode()
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{warning}<p>{html.escape(found.sentence)}</p>"
        f'<img alt="The prior with contours; background and observed TS" src="data:image/png;base64,{picture}">'
        "<h2>Events</h2><p>Angles in degrees, log10 of the energy in GeV, dt in seconds from the trigger; "
        f"S/B of the direction alone.</p>{table}"
        f'<h2>Numbers and provenance</h2><div class="wide"><pre>{numbers}</pre></div>'
        f"<script>{_SORT}</script></body></html>\n"
    )


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))
