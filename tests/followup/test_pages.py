"""The page in a real browser: pictures there, tables sort, it prints, no console error, no request to anywhere."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
from typing import Any

import pytest

# Each browser takes seconds to start
pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Clicks on every column of every table, twice, and says what is then there; in the title, which the browser prints
LOOK = """<script>
addEventListener("load",()=>{const tables=[...document.querySelectorAll("table")].map(t=>{const column=i=>
[...t.tBodies[0].rows].map(r=>r.cells[i].dataset.v??r.cells[i].textContent);
return [...t.querySelectorAll("th")].map((h,i)=>{const b=h.querySelector("button");b.click();const up=column(i);
b.click();return [h.textContent,up,column(i),h.getAttribute("aria-sort")]})});
document.title=JSON.stringify({tables,pictures:[...document.images].map(i=>[i.complete,i.naturalWidth,i.alt]),
requests:performance.getEntriesByType("resource").map(r=>r.name.slice(0,60))})});
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    return found


def run(browser: str, folder: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    common = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync"]
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [browser, *common, *quiet, profile, "--enable-logging=stderr", "--virtual-time-budget=5000", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def seen(browser: str, files: dict[str, pathlib.Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "report.html"
    page.write_text(files["report.html"].read_text(encoding="utf-8").replace("</body>", LOOK + "</body>"), "utf-8")
    done = run(browser, folder, "--dump-dom", page.as_uri())
    title = re.search(r"<title>(.*?)</title>", done.stdout, flags=re.S)
    assert title is not None, done.stderr[-2000:]
    text = title.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return json.loads(text), done.stderr


def test_no_console_error(seen: Any) -> None:
    assert [line for line in seen[1].splitlines() if "CONSOLE" in line] == []


def test_pictures_are_there(seen: Any) -> None:
    pictures = seen[0]["pictures"]
    assert len(pictures) == 5
    assert all(complete and width > 400 and alt for complete, width, alt in pictures)


def test_tables_sort_both_ways(seen: Any) -> None:
    def in_order(column: list[str]) -> list[str]:
        filled = [cell for cell in column if cell != ""]
        try:
            return sorted(filled, key=float)
        except ValueError:
            return filled  # text is in the order of the browser's language

    assert len(seen[0]["tables"]) == 2
    numeric = 0
    for table in seen[0]["tables"]:
        for _, up, down, said in table:
            assert said == "descending"
            assert sorted(up) == sorted(down)
            assert [cell for cell in up if cell] == in_order(up)
            numeric += len(set(up)) > 1 and in_order(up) != in_order(up)[::-1] and up == down[::-1]
    assert numeric >= 5


def test_no_request_leaves_the_page(seen: Any, files: dict[str, pathlib.Path]) -> None:
    assert [url for url in seen[0]["requests"] if not url.startswith("data:")] == []
    # and none can: what the page forbids itself would be an error on the console
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert f'content="{policy}"' in files["report.html"].read_text(encoding="utf-8")


def test_it_prints(browser: str, files: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    pdf = tmp_path / "page.pdf"
    run(browser, tmp_path, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", files["report.html"].as_uri())
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 8
    assert len(re.findall(rb"/Subtype\s*/Image", content)) >= 5


def told(browser: str, folder: pathlib.Path, look: str, *options: str) -> list[int]:
    """Whole numbers that a page puts into its title."""
    page = folder / "look.html"
    page.write_text(look, "utf-8")
    done = run(browser, folder, "--allow-file-access-from-files", *options, "--dump-dom", page.as_uri())
    title = re.search(r"<title>([-\d ]+)</title>", done.stdout)
    assert title is not None, done.stdout[-500:]
    return [int(word) for word in title.group(1).split()]


def test_it_fits_phones_and_screens(browser: str, files: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    source = files["report.html"].as_uri()
    frames = "".join(f"<iframe width={width} height=800 src='{source}'></iframe>" for width in (360, 390, 800, 1200))
    look = f"""{frames}<script>addEventListener("load",()=>document.title=[0,1,2,3].map(i=>
    frames[i].document.documentElement).map(d=>Math.max(0,d.scrollWidth-d.clientWidth)).join(" "))</script>"""
    assert told(browser, tmp_path, look) == [0, 0, 0, 0]


@pytest.mark.parametrize(("scheme", "dark"), [(0, True), (1, False)], ids=["dark", "light"])
def test_it_is_light_or_dark_as_the_reader_has_it(
    browser: str, files: dict[str, pathlib.Path], tmp_path: pathlib.Path, scheme: int, dark: bool
) -> None:
    ask = """<script>addEventListener("load",()=>{const c=(e,what)=>getComputedStyle(e)[what].match(/\\d+/)[0];
    document.title=c(document.body,"color")+" "+c(document.images[0],"backgroundColor")})</script></body>"""
    look = files["report.html"].read_text(encoding="utf-8").replace("</body>", ask)
    ink, paper_of_pictures = told(browser, tmp_path, look, f"--blink-settings=preferredColorScheme={scheme}")
    assert (ink > 200) == dark
    assert paper_of_pictures == 255
