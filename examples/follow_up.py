"""Follow up a localisation: the hottest spot under a sky map, its p-value, and the flux that 5 events mean.

    python examples/follow_up.py MAP.fits [DATA] [--trials 1000]

MAP is any map that `nusky.read_sky_map` reads. DATA is the folder of a public IceCube release; without it the synthetic
season is searched. What is fitted is a scrambled sky with 5 injected events: an unblinded fit would say TRUTH=True.
"""

from __future__ import annotations

import argparse

import numpy as np

import nusky as cy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("map")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--trials", type=int, default=1000)
    args = parser.parse_args()

    ana = cy.get_analysis(cy.selections.PublicRelease(args.data) if args.data else cy.selections.demo)
    prior = cy.SpatialPrior(cy.read_sky_map(args.map, nside=64))
    tr = cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=prior, min_dec=np.radians(-85), max_dec=np.radians(85))

    fit = tr.get_one_fit(5, seed=1)
    background = cy.dists.TSD(tr.get_many_fits(args.trials, seed=2, logging=True))
    print(fit)
    print(background.p_value(fit.ts))
    flux = tr.to_E2dNdE(5, E0=100, unit=1e3, gamma=2)
    print(f"5 events on average over the map: E2 dN/dE = {flux:.2e} TeV/cm2/s at 100 TeV")


if __name__ == "__main__":
    main()
