"""Sphinx configuration: ``python -m sphinx -W -b html docs docs/_build/html`` with the extra ``docs`` installed."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "nusky"
author = "The nusky developers"
copyright = f"2026, {author}"
version = release = installed_version("nusky")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.autosummary"]
# Not pages: the build itself, and the executed copy of the tutorial, which is made from tutorial.md.
exclude_patterns = ["_build/html", "jupyter_execute", "tutorial.ipynb", "**/.ipynb_checkpoints"]

# Notebooks are MyST Markdown without outputs; a cell that fails breaks the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types with shapes and units
autosummary_generate = True
templates_path = ["_templates"]  # a class is shown with its methods, the inherited ones too
napoleon_google_docstring = False
napoleon_use_rtype = False
# Types of parameters are words, and some are attributes of several classes as well
suppress_warnings = ["ref.python"]
napoleon_use_ivar = True  # attributes that are properties too are described once

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["code.css"]
html_title = f"nusky {release}"
