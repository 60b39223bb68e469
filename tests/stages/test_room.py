"""Room by size equals the search for a compartment for every parcel."""

import numpy as np
import plan_fixture as city
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from lastmile.scenario import SIZES, Facility
from lastmile.stages.room import Room


def locker(**changes):
    """A facility of the fixture's with other modules."""
    facility = next(item for item in city.scenario().file.facilities if item.channel == "locker")
    return Facility.model_validate({**facility.model_dump(), "parcels_per_module": 1000.0} | changes)


def all_lie_somewhere(parcels, compartments):
    """Whether every parcel finds a compartment of its own that is large enough."""
    if not parcels:
        return True
    fits = np.array([[compartment >= parcel for compartment in compartments] for parcel in parcels], dtype=int)
    found = maximum_bipartite_matching(csr_array(fits.reshape(len(parcels), -1)), perm_type="column")
    return bool((found >= 0).all())


@given(
    numbers=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any),
    modules=st.integers(1, 2),
    orders=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=8),
)
def test_an_order_is_taken_exactly_where_all_parcels_find_a_compartment(numbers, modules, orders):
    facility = locker(compartments=dict(zip(SIZES, numbers, strict=True)))
    compartments = [size for size, number in enumerate(numbers) for _ in range(modules * number)]
    room, lying = Room.of(facility, modules, 0), []
    for size, parcels in orders:
        taken = room.left(SIZES[size], chilled=False) >= parcels
        assert taken == all_lie_somewhere([*lying, *[size] * parcels], compartments)
        if taken:
            room.take(parcels, SIZES[size], chilled=False)
            lying += [size] * parcels


def test_both_limits_hold():
    # 10 + 5 compartments take 0.7 parcels a day each, so 10.5 of any size and 3.5 large ones a module; 8 a day at most.
    facility = locker(compartments={"S": 10, "L": 5}, turnover_per_day=0.7, parcels_per_module=8.0)
    assert [Room.of(facility, 1, 0).left(size, chilled=False) for size in SIZES] == [8, 3, 3, 0]
    assert [Room.of(facility, 3, 0).left(size, chilled=False) for size in SIZES] == [24, 10, 10, 0]
    # 3 * 10 * 1.1 is 33, whatever binary fractions make of it.
    assert Room.of(locker(compartments={"S": 10}, turnover_per_day=1.1), 3, 0).left("", chilled=False) == 33


def test_chilled_parcels_take_no_other_room():
    facility = locker(compartments={"S": 2}, chilled_modules_max=2, parcels_per_chilled_module=4.5)
    room = Room.of(facility, 1, 2)
    room.take(9, "XL", chilled=True)
    assert (room.left("", chilled=True), room.left("S", chilled=False)) == (0, 2)


def test_without_compartments_any_parcel_fits():
    room = Room.of(locker(parcels_per_module=5.0), 2, 0)
    for size in ("", *SIZES):
        room.take(2, size, chilled=False)
    assert [room.left(size, chilled=False) for size in SIZES] == [0] * 4


@pytest.mark.parametrize("size", ["", "S"])
def test_order_without_a_size_needs_the_smallest(size):
    room = Room.of(locker(compartments={"S": 1, "M": 1}), 1, 0)
    room.take(1, "M", chilled=False)
    assert room.left(size, chilled=False) == 1
