"""The page of a follow-up: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nusky.followup.pictures import title_of

if TYPE_CHECKING:
    from nusky.followup.result import FollowUp

__all__ = ["report_page"]

_STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:62rem;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}.answer{font-size:1.15rem}
figure{margin:1.5rem 0}img{max-width:100%;height:auto;background:#fff}figcaption{font-size:.9rem;opacity:.8}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #8886;white-space:nowrap}
td:first-child,th:first-child{text-align:left}
th button{font:inherit;border:0;padding:0;background:none;color:inherit;cursor:pointer}
th button::after{content:" \\2195";opacity:.4}
th[aria-sort=ascending] button::after{content:" \\2191";opacity:1}
th[aria-sort=descending] button::after{content:" \\2193";opacity:1}
@media(max-width:40rem){.text td,.text th{white-space:normal}}
.scramble{border:2px solid #d55e00;padding:.5rem 1rem;font-weight:600}
pre{font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
@media print{body{max-width:none;margin:0}figure,tr{break-inside:avoid}h2{break-after:avoid}
th button::after{content:""}details{display:none}.wide{overflow:visible}td,th{padding:.1rem .35rem;font-size:.75rem}}
"""
# The page asks nobody for anything
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_SORT = """
document.querySelectorAll("th button").forEach(b=>b.onclick=()=>{const h=b.parentNode,t=h.closest("table").tBodies[0],
i=h.cellIndex,up=h.getAttribute("aria-sort")!=="ascending",v=r=>r.cells[i].dataset.v??r.cells[i].textContent;
h.parentNode.querySelectorAll("th").forEach(x=>x.removeAttribute("aria-sort"));
h.setAttribute("aria-sort",up?"ascending":"descending");
[...t.rows].sort((a,b)=>{const x=v(a),y=v(b);if(x===""||y==="")return (x==="")-(y==="");
const d=isNaN(x)||isNaN(y)?x.localeCompare(y):x-y;return up?d:-d}).forEach(r=>t.append(r))});
"""
_COLUMNS = {
    "season": "season", "dt": "time [s]", "ra": "RA [deg]", "dec": "Dec [deg]", "sigma": "σ [deg]",
    "separation": "from the spot [deg]", "log10energy": "log10(E/GeV)", "s_over_b_direction": "S/B direction",
    "s_over_b_energy": "S/B energy", "s_over_b": "S/B", "ts": "TS", "p": "p",
}  # fmt: skip


def report_page(found: FollowUp, result: dict[str, Any], pictures: Sequence[tuple[str, bytes]]) -> str:
    """The page.

    Parameters
    ----------
    found : FollowUp
    result : dict
        Its `summary`.
    pictures : sequence of (str, bytes)
        What each shows, and its PNG.

    Examples
    --------
    >>> report_page(found, summary(found), [])[:15]                                  # doctest: +SKIP
    '<!doctype html>'
    """
    title = html.escape(title_of(found))
    warning = "" if found.truth else '<p class="scramble">Scrambled data: nothing here is about the real sky.</p>'
    figures = "".join(
        f'<figure><img alt="{html.escape(what)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f"<figcaption>{html.escape(what)}</figcaption></figure>"
        for what, png in pictures
    )
    kept = {key: value for key, value in result.items() if key not in ("events", "region")}
    numbers = html.escape(json.dumps(kept, indent=2, ensure_ascii=False))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{warning}"
        f'<p class="answer">{html.escape(found.sentence)}</p>{_notes(result)}'
        f"<h2>Numbers</h2>{_table(('quantity', 'value', 'unit'), _rows(result), 'wide text')}"
        f"<h2>Events that carry the fit</h2>{_events(found)}<h2>Pictures</h2>{figures}"
        f"<h2>Provenance</h2><p>{html.escape(_provenance(found, result))}</p>"
        f"<details><summary>All numbers</summary><pre>{numbers}</pre></details>"
        f"<script>{_SORT}</script></body></html>\n"
    )


def _notes(result: dict[str, Any]) -> str:
    """What to know before the numbers are published."""
    return "".join(f"<p>Note: {html.escape(note)}.</p>" for note in result["fit"]["notes"])


def _rows(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    fit, limits = result["fit"], result["limits"]
    rows: list[tuple[Any, ...]] = [
        ("p-value", f"{result['p']:.3g} ± {result['p_error']:.1g}", f"{result['n_trials']} background trials"),
        ("TS", _cell(fit["ts"]), "with the prior"),
        ("n_s", _with_interval(fit["ns"], fit["ns_interval"]), "events, 68 % interval"),
        ("γ", _with_interval(fit["gamma"], fit["gamma_interval"]), "68 % interval"),
        ("hottest spot", f"RA {fit['ra']:.3f}, Dec {fit['dec']:+.3f}" if fit["ns"] else "none", "deg, J2000"),
    ]
    for region in result["region"].get("regions", ()):
        least = "" if region["complete"] else "at least; it reaches the limits of the search"
        rows.append((f"{100 * region['level']:g} % error region", f"{region['area']:.3g}", f"deg² {least}"))
    if limits is not None:
        windowed = limits["sensitivity"]["fluence"] is not None
        key, unit = ("fluence", "GeV cm⁻²") if windowed else ("E2dNdE", "GeV cm⁻² s⁻¹")
        for name in ("sensitivity", "upper_limit"):
            what = name.replace("_", " ") + (" E²F" if windowed else " E²dN/dE")
            one = limits[name]
            shown = "none" if one is None else f"{one[key]:.3g} ± {one['relative_error']:.0%}"
            rows.append((what, shown, f"{unit}, 90 %, {limits['sources']}"))
            ends = limits["range_over_90_percent_region"]
            if ends is not None:
                low, high = ("none" if value is None else f"{value[key]:.3g}" for value in ends[name])
                rows.append((f"{what}, range", f"{low} … {high}", f"{unit}, over the 90 % region"))
    low, high = result["energy_range"]
    rows.append(("central 90 % of energies", f"{low:.3g} … {high:.3g}", "GeV, expected from sources of equal flux"))
    rows.append(("probability outside", f"{result['search']['probability_outside']:.2g}", "of the map"))
    return rows


def _with_interval(value: float | None, interval: list[float | None]) -> str:
    if value is None:
        return ""
    low, high = interval
    return f"{value:.2f}" + ("" if low is None or high is None else f" ({low:.2f} … {high:.2f})")


def _events(found: FollowUp) -> str:
    if not found.events:
        return "<p>No event carries the fit.</p>"
    shown = [name for name in _COLUMNS if any(row[name] is not None for row in found.events)]
    rows = [tuple(row[name] for name in shown) for row in found.events]
    notes = {"dt": "Times count from the trigger.", "ts": "TS is what the event adds.",
             "p": "p is that of the search if the event were alone."}  # fmt: skip
    note = " ".join(text for name, text in notes.items() if name in shown)
    return f"<p>{note}</p>{_table(tuple(_COLUMNS[name] for name in shown), rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]], kind: str = "wide") -> str:
    names = "".join(f'<th scope="col"><button>{html.escape(name)}</button></th>' for name in head)
    cells = "".join("<tr>" + "".join(_td(value) for value in row) + "</tr>" for row in rows)
    return f'<div class="{kind}"><table><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table></div>'


def _td(value: Any) -> str:
    exact = f' data-v="{value!r}"' if isinstance(value, float) else ""
    return f"<td{exact}>{html.escape(_cell(value))}</td>"


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _provenance(found: FollowUp, result: dict[str, Any]) -> str:
    data = result["data"]
    window = "the whole livetime" if result["window"] is None else "MJD {:.6f} to {:.6f}".format(*result["window"])
    sky = "the real sky" if found.truth else f"a scramble, seed {found.seed}"
    return (
        f"nusky {result['version']}; input {result['input']}; data {', '.join(data['seasons'])} "
        f"({data['fingerprint'][:16]}); {window}; {sky}; {found.search.describe()}; configuration "
        f"{result['search']['configuration'][:16]}."
    )
