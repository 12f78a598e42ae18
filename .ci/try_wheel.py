"""Try an installed nusky, from any folder: every module, the command line, a search whose answer is known."""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
import subprocess
import sys
import tempfile

import nusky as cy

package = pathlib.Path(cy.__path__[0])
names = [module.name for module in pkgutil.walk_packages([str(package)], "nusky.") if "__main__" not in module.name]
for name in names:
    importlib.import_module(name)
if "site-packages" not in package.parts and "dist-packages" not in package.parts:
    sys.exit(f"{package} is no installation")

with tempfile.TemporaryDirectory() as folder:
    for command in (["config"], ["--version"], ["demo", "--out", folder]):
        subprocess.run([sys.executable, "-m", "nusky", *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    fit = cy.Fit.read(pathlib.Path(folder) / "fit.json")
    if not (fit.ts > 25 and 10 < fit.ns < 35):
        sys.exit(f"the demo gives {fit}")
    scan = cy.SkyScan.read(pathlib.Path(folder) / "scan.fits")
sys.stdout.write(f"{len(names)} modules, {fit}, {scan}\n")
