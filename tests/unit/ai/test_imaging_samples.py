"""The drawn chest radiograph that the demonstration reads."""

import numpy as np
import pytest

from careloom.samples.chest_radiograph import synthetic_chest_radiograph


def test_the_values_are_twelve_bit_and_use_their_range() -> None:
    stored = synthetic_chest_radiograph(4, consolidation=True, rows=300, columns=260)
    assert stored.dtype == np.uint16
    assert stored.shape == (300, 260)
    assert stored.max() <= 4095
    assert np.percentile(stored, 99) - np.percentile(stored, 1) > 2000


def test_a_seed_names_one_picture() -> None:
    once = synthetic_chest_radiograph(7, consolidation=False, rows=128, columns=128)
    again = synthetic_chest_radiograph(7, consolidation=False, rows=128, columns=128)
    other = synthetic_chest_radiograph(8, consolidation=False, rows=128, columns=128)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_consolidation_whitens_the_lungs_of_the_same_chest_and_nothing_outside() -> None:
    well = synthetic_chest_radiograph(9, consolidation=False, rows=256, columns=256).astype(int)
    sick = synthetic_chest_radiograph(9, consolidation=True, rows=256, columns=256).astype(int)
    change = sick - well
    lungs = change[80:180, 64:110]
    assert lungs.mean() > 300
    assert np.abs(change[220:]).max() <= 40
    assert np.abs(change[:, :20]).max() <= 40


def test_an_image_too_small_to_show_a_chest_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 64"):
        synthetic_chest_radiograph(1, consolidation=False, rows=32, columns=256)
