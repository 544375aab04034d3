"""A rule between the browser and its public form."""

from admin.panel.audience.rule_form import listed, unlisted


def test_a_value_with_a_comma_stays_one_value_in_the_builder() -> None:
    given = ["Madrid", "Smith, Inc", 'the "old" town', "a"]
    assert listed(given) == 'Madrid, "Smith, Inc", "the ""old"" town", a'
    assert unlisted(listed(given)) == given
    assert unlisted("a,b ,  c,, ") == ["a", "b", "c"]
