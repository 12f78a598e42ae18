"""A sky scan of plain arrays: your events, your background, your energy term, any directions.

    python examples/own_events.py

Toy data: 20 000 events, uniform over the sphere, with a source of 25 harder events at (83.6°, 22.0°).
"""

from __future__ import annotations

import healpy as hp
import numpy as np

import nusky as cy


def main() -> None:
    rng = np.random.default_rng(1)
    source = np.radians([83.6, 22.0])
    n_bg, n_sig = 20_000, 25

    # Events: direction, angular error, log10 of the energy in GeV
    sigma = np.radians(rng.uniform(0.3, 1.5, n_bg + n_sig))
    ra = rng.uniform(0, 2 * np.pi, n_bg + n_sig)
    dec = np.arcsin(rng.uniform(-1, 1, n_bg + n_sig))
    dec[n_bg:] = source[1] + sigma[n_bg:] * rng.normal(size=n_sig)
    ra[n_bg:] = source[0] + sigma[n_bg:] * rng.normal(size=n_sig) / np.cos(source[1])
    # Toy spectra above 1 TeV: dN/dE ~ E^-3.7 for the background, E^-2 for the source
    log10energy = 3 + rng.exponential(1 / (2.7 * np.log(10)), n_bg + n_sig)
    log10energy[n_bg:] = 3 + rng.exponential(1 / np.log(10), n_sig)

    # Models: background density in 1/sr, and ln of the signal-to-background ratio in energy for a few spectral indices
    background = np.full(ra.size, 1 / (4 * np.pi))
    gamma_nodes = np.arange(1.5, 4.01, 0.125)
    log_energy_ratio = np.log((gamma_nodes - 1) / 2.7) + (3.7 - gamma_nodes) * np.log(10) * (log10energy[:, None] - 3)

    nside = 64
    theta, phi = hp.pix2ang(nside, np.arange(hp.nside2npix(nside)))
    scan = cy.scan_events(
        np.mod(ra, 2 * np.pi),
        dec,
        sigma,
        background,
        log_energy_ratio,
        gamma_nodes,
        src_ra=phi,
        src_dec=np.pi / 2 - theta,
    )
    best = scan.ts.argmax()
    where = np.degrees([phi[best], np.pi / 2 - theta[best]])
    print(f"{scan.ts.size} directions; hottest: TS = {scan.ts[best]:.1f} at RA {where[0]:.2f}°, Dec {where[1]:+.2f}°")
    print(f"n_s = {scan.ns[best]:.1f}, gamma = {scan.gamma[best]:.2f}")


if __name__ == "__main__":
    main()
