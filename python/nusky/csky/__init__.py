"""The small names of csky that its scripts use, under csky's own module names; every one of them only forwards.

``cy.utils``, ``cy.bk``, ``cy.timing``, ``cy.coord``, ``cy.pdf``, ``cy.inj``, ``cy.llh``, ``cy.inspect``, ``cy.seeding``
and ``cy.ipyconfig`` are the modules here; nothing else in nusky knows them.
"""

from __future__ import annotations

from nusky.csky.describe import describe

__all__ = ["describe"]
