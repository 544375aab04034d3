"""How sure a rate is, and whether two differ."""

import pytest

from models.results.intervals import TOO_FEW, PeopleShare, Verdict


@pytest.mark.parametrize(
    ("part", "whole", "interval"),
    [
        (0, 0, (0.0, 100.0)),
        (0, 10, (0.0, 27.8)),
        (10, 10, (72.2, 100.0)),
        (5, 10, (23.7, 76.3)),
        (15, 148, (6.2, 16.0)),
        (400_000, 1_000_000, (39.9, 40.1)),
        (12, 10, (72.2, 100.0)),
    ],
)
def test_wilson_s_interval_is_that_of_the_tables(part: int, whole: int, interval: tuple[float, float]) -> None:
    assert PeopleShare(part, whole).interval == interval


def test_a_difference_is_certain_only_if_the_intervals_do_not_overlap() -> None:
    assert PeopleShare(55, 100).against(PeopleShare(45, 100)) is Verdict.NO_DIFFERENCE
    assert PeopleShare(70, 100).against(PeopleShare(40, 100)) is Verdict.HIGHER
    assert PeopleShare(40, 100).against(PeopleShare(70, 100)) is Verdict.LOWER


def test_too_few_people_tell_nothing_however_far_apart_they_are() -> None:
    few = TOO_FEW - 1
    assert PeopleShare(few, few).against(PeopleShare(0, 1000)) is Verdict.TOO_FEW
    assert PeopleShare(0, 1000).against(PeopleShare(few, few)) is Verdict.TOO_FEW
    assert (PeopleShare(few, few).is_enough, PeopleShare(0, TOO_FEW).is_enough) == (False, True)


def test_a_percentage_has_one_decimal_and_is_at_most_100() -> None:
    assert (PeopleShare(1, 3).pct, PeopleShare(4, 3).pct, PeopleShare(0, 0).pct) == (33.3, 100.0, 0.0)
