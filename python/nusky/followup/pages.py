"""The page of a follow-up: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nusky.followup.notice import iso
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
td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8886;white-space:nowrap;font-size:.9rem}
th{white-space:normal;vertical-align:bottom}
td:first-child,th:first-child,.text td,.text th{text-align:left}
th button{font:inherit;border:0;padding:0;background:none;color:inherit;cursor:pointer}
th button::after{content:" \\2195";opacity:.4}
th[aria-sort=ascending] button::after{content:" \\2191";opacity:1}
th[aria-sort=descending] button::after{content:" \\2193";opacity:1}
.text td:last-child{white-space:normal}
@media(max-width:40rem){.text td{white-space:normal}}
.scramble{border:2px solid #d55e00;padding:.5rem 1rem;font-weight:600}
pre{font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
@media print{body{max-width:none;margin:0}img{max-height:11cm}figure,tr{break-inside:avoid}h2{break-after:avoid}
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
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Column → its heading, and how its numbers are shown; None: three digits
_COLUMNS: dict[str, tuple[str, str | None]] = {
    "season": ("season", ""), "dt": ("time [s]", ".1f"), "ra": ("RA [deg]", ".2f"), "dec": ("Dec [deg]", "+.2f"),
    "sigma": ("σ [deg]", ".2f"), "separation": ("distance [deg]", ".2f"), "log10energy": ("log10(E/GeV)", ".2f"),
    "s_over_b_direction": ("S/B direction", None), "s_over_b_energy": ("S/B energy", None), "s_over_b": ("S/B", None),
    "ts": ("TS", ".2f"), "p": ("p", None),
}  # fmt: skip
_EXPLAINED = {
    "dt": "Times count from the trigger.",
    "separation": "Distances are from the hottest spot.",
    "s_over_b": "S/B is how much likelier the event is from the source than from background.",
    "ts": "TS is what the event adds.",
    "p": "p is that of the search if the event were alone.",
}


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
        f"<h2>Numbers</h2>{_table(('quantity', 'value', 'meaning'), _rows(result), 'wide text')}"
        f"<h2>Events that carry the fit</h2>{_events(found)}<h2>Pictures</h2>{figures}"
        f"<h2>Provenance</h2><p>{html.escape(_provenance(found, result))}</p>{_of_data(result)}"
        f"<details><summary>All numbers</summary><pre>{numbers}</pre></details>"
        f"<script>{_SORT}</script></body></html>\n"
    )


def _notes(result: dict[str, Any]) -> str:
    """What to know before the numbers are published."""
    return "".join(f"<p>Note: {html.escape(note)}.</p>" for note in result["fit"]["notes"])


def _of_data(result: dict[str, Any]) -> str:
    """What to know of the data before their numbers are believed."""
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result["data"]["notes"])
    return f"<p>What is to be known of the data:</p><ul>{notes}</ul>" if notes else ""


def _rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Quantity, value with its unit, meaning."""
    fit, limits, window = result["fit"], result["limits"], result["window"]
    times = "the whole livetime" if window is None else " to ".join(map(iso, window)) + " UTC"
    spot = f"RA {fit['ra']:.2f}°, Dec {_signed(fit['dec'])}°" if fit["ns"] else "none"
    counted = f"{_number(result['p'])} ± {_number(result['p_error'], 1)}"
    rows = [
        ("searched", re.sub(r"T|\.000Z|Z", lambda part: " " if part[0] == "T" else "", times), ""),
        ("p-value", counted, f"from {result['n_trials']} background trials"),
        ("TS", f"{fit['ts']:.2f}", "with the prior"),
        ("n_s", f"{_with_interval(fit['ns'], fit['ns_interval'])} events", "68 % interval"),
        ("γ", _with_interval(fit["gamma"], fit["gamma_interval"]), "spectral index, 68 % interval"),
        ("hottest spot", spot, "J2000"),
    ]
    for region in result["region"].get("regions", ()):
        least = "" if region["complete"] else "at least: it reaches the limits of the search"
        rows.append((f"{100 * region['level']:g} % error region", f"{_number(region['area'])} deg²", least))
    if limits is not None:
        rows += _limit_rows(limits)
    low, high = (_energy(energy) for energy in result["energy_range"])
    rows.append(("energies", f"{low} … {high}", "central 90 % of the events expected from sources of equal flux"))
    outside = _number(result["search"]["probability_outside"])
    return [*rows, ("probability outside", outside, "of the map, not searched")]


def _limit_rows(limits: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    windowed = limits["sensitivity"]["fluence"] is not None
    key, unit, quantity = ("fluence", "GeV cm⁻²", "E²F") if windowed else ("E2dNdE", "GeV cm⁻² s⁻¹", "E²dN/dE")
    same = limits["upper_limit"] == limits["sensitivity"]
    for name in ("sensitivity", "upper_limit"):
        what = f"{name.replace('_', ' ')} {quantity}"
        one = limits[name]
        error = None if one is None else one["relative_error"]
        shown = "none" if one is None else f"{_number(one[key])} {unit}"
        shown += "" if error is None else f", ± {100 * error:.0f} %"
        why = "; TS is below the median, so it is the sensitivity" if same and name == "upper_limit" else ""
        if one is None:
            why = "; more than 10 % of them would have a lower TS than this fit, whatever their flux"
        rows.append((what, shown, f"90 %, for sources {limits['sources']}{why}"))
        ends = limits["range_over_90_percent_region"]
        if ends is not None:
            low, high = ("none" if value is None else _number(value[key]) for value in ends[name])
            rows.append((f"{what}, range", f"{low} … {high} {unit}", "over the 90 % region of the map"))
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
    cells = "".join(
        "<tr>" + "".join(_td(row[name], _COLUMNS[name][1]) for name in shown) + "</tr>" for row in found.events
    )
    note = " ".join(text for name, text in _EXPLAINED.items() if name in shown)
    return f"<p>{note}</p>{_framed([_COLUMNS[name][0] for name in shown], cells, 'wide')}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>" for row in rows)
    return _framed(head, cells, kind)


def _framed(head: Sequence[str], cells: str, kind: str) -> str:
    names = "".join(f'<th scope="col"><button>{html.escape(name)}</button></th>' for name in head)
    return f'<div class="{kind}"><table><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table></div>'


def _td(value: Any, how: str | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "<td></td>"
    exact = f' data-v="{value!r}"' if isinstance(value, float) else ""
    text = str(value) if not isinstance(value, float) else _number(value) if how is None else f"{value:{how}}"
    return f"<td{exact}>{html.escape(text.replace('-', '−') if exact else text)}</td>"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _number(value: float | None, digits: int = 3) -> str:
    """Some digits, with a power of ten as it is written.

    Examples
    --------
    >>> _number(6.29e-9), _number(0.86), _number(120000.0)
    ('6.29 × 10⁻⁹', '0.86', '1.2 × 10⁵')
    """
    if value is None:
        return "none"
    factor, _, power = f"{value:.{digits}g}".partition("e")
    return f"{factor} × 10{str(int(power)).translate(_RAISED)}" if power else factor


def _energy(energy: float) -> str:
    """GeV in the unit that suits it."""
    power, unit = next((p, u) for p, u in ((9, "EeV"), (6, "PeV"), (3, "TeV"), (0, "GeV")) if energy >= 10**p or not p)
    return f"{energy / 10**power:.3g} {unit}"


def _provenance(found: FollowUp, result: dict[str, Any]) -> str:
    data = result["data"]
    window = "the whole livetime" if result["window"] is None else "MJD {:.6f} to {:.6f}".format(*result["window"])
    sky = "the real sky" if found.truth else f"a scramble, seed {found.seed}"
    return (
        f"nusky {result['version']}; input {result['input']}; data {', '.join(data['seasons'])} "
        f"({data['fingerprint'][:16]}); {window}; {sky}; {found.search.describe()}; configuration "
        f"{result['search']['configuration'][:16]}."
    )
