"""A rule between the browser and its public form."""

from admin.panel.audience.rule_form import join_values, split_values


def test_a_value_with_a_comma_stays_one_value_in_the_builder() -> None:
    given = ["Madrid", "Smith, Inc", 'the "old" town', "a"]
    assert join_values(given) == 'Madrid, "Smith, Inc", "the ""old"" town", a'
    assert split_values(join_values(given)) == given
    assert split_values("a,b ,  c,, ") == ["a", "b", "c"]
