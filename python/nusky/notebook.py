"""How results show themselves in notebooks: a small table that needs no style of its own."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

__all__ = ["html_table"]


def html_table(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    """An HTML table of names and values.

    Parameters
    ----------
    title : str
    rows : iterable of (name, value)
        Numbers are shown with four digits; rows whose value is None are left out.

    Examples
    --------
    >>> html_table("Fit", [("TS", 12.34567), ("n_s", None)])
    '<table><caption>Fit</caption><tr><th scope="row">TS</th><td>12.35</td></tr></table>'
    """
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(_shown(value))}</td></tr>'
        for name, value in rows
        if value is not None
    )
    return f"<table><caption>{html.escape(title)}</caption>{body}</table>"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
