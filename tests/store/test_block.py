from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nusky.store.block import Block, BlockSets, checked_block, overlap_within

ranges = st.tuples(st.integers(0, 30), st.integers(1, 12), st.sampled_from([(0.0, 1), (0.0, 2), (3.0, 1)]))


def block(start: int, length: int, of: tuple[float, int]) -> Block:
    return Block(of[0], False, of[1], start, start + length)


@given(st.lists(ranges, max_size=12), ranges)
def test_the_blocks_found_are_those_that_a_look_at_all_finds_even_where_some_overlap_each_other(
    made: list[tuple[int, int, tuple[float, int]]], wanted: tuple[int, int, tuple[float, int]]
) -> None:
    blocks = sorted(block(*m) for m in made)
    asked = block(*wanted)
    assert BlockSets(blocks).overlapping(asked) == [b for b in blocks if b.overlaps(asked)]
    twice = overlap_within(blocks)
    any_twice = any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])
    assert (twice is not None) == any_twice
    assert twice is None or twice[0].overlaps(twice[1])


def test_a_block_of_arguments_that_cannot_be_is_refused() -> None:
    assert checked_block(0.0, True, 1, 0, 5) == Block(0.0, False, 1, 0, 5)  # without signal there is nothing to draw
    with pytest.raises(ValueError, match="trials 5:5 are no range"):
        checked_block(0.0, False, 1, 5, 5)
    with pytest.raises(ValueError, match=r"stop = .* be less than 2\*\*63"):
        checked_block(0.0, False, 1, 5, 2**63)
