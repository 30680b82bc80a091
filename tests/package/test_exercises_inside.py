import pytest

from convbook.exercises import check


def test_what_unit_1_3_of_layer_8_sees():
    # Receptive field 22, jump 2, so rows 2 to 23 and columns 6 to 27: Araujo, Norris & Sim (2019).
    assert check.unit_sees(range(2, 24), range(6, 28)).passed


@pytest.mark.parametrize(
    ("rows", "columns", "hint"),
    [
        (..., ..., "replace the dots"),
        (range(6, 28), range(2, 24), "row 1 and column 3"),
        (range(1, 23), range(3, 25), "the jump is missing"),
        (range(2, 23), range(6, 27), "one larger"),
        (range(2, 24), range(6, 26), "the columns"),
    ],
)
def test_wrong_regions_get_their_hint(rows, columns, hint):
    verdict = check.unit_sees(rows, columns)
    assert not verdict.passed
    assert hint in verdict.message
