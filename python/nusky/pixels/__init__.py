"""Which pixels are looked at."""

from __future__ import annotations

from nusky.pixels.cells import CellIndex
from nusky.pixels.multi_order import MultiOrderPixels, follow_prior
from nusky.pixels.of_priors import prior_pixels
from nusky.pixels.pixel_set import TILE_FACTOR, PixelRule, PixelSet, Tiles, full_sky, tile_radii, tiles_of
from nusky.pixels.refinement import Refinement, children_of, neighbourhood, refined_pixels, unrefined_note
from nusky.pixels.regions import PositionRegion, delta_ts, position_regions
from nusky.pixels.select import contained, near_events_mask, nearby, select_pixels

__all__ = [
    "TILE_FACTOR",
    "CellIndex",
    "MultiOrderPixels",
    "PixelRule",
    "PixelSet",
    "PositionRegion",
    "Refinement",
    "Tiles",
    "children_of",
    "contained",
    "delta_ts",
    "follow_prior",
    "full_sky",
    "near_events_mask",
    "nearby",
    "neighbourhood",
    "position_regions",
    "prior_pixels",
    "refined_pixels",
    "select_pixels",
    "tile_radii",
    "tiles_of",
    "unrefined_note",
]
