"""Names as systems and people write them: the one for a greeting, and what is no name."""

import pytest

from models.person_names import first_name, full_name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ana Ruiz", "Ana"),
        ("Ruiz, Ana", "Ana"),
        ("Ruiz,Ana Mar\u00eda", "Ana"),
        ("Ruiz\uff0c Ana", "Ana"),
        ("Ruiz, Dr. Eva", "Eva"),
        ("Eva Sanz, MD", "Eva"),
        ("Smith, Jr., John", "John"),
        ("Acme, Inc.", "Acme"),
        ("Lunes, Martes, Jueves", None),
        ("Dr. Eva Sanz", "Eva"),
        ("DR EVA SANZ", "EVA"),
        ("Prof. Dr. Eva Sanz", "Eva"),
        ("Dr.Eva Sanz", "Eva"),
        ("Dr. med. Eva Braun", "Eva"),
        ("Sra. D\u00aa Pilar G\u00f3mez", "Pilar"),
        ("SE\u00d1ORA PILAR", "PILAR"),
        ("Don Carlos Ruiz", "Carlos"),
        ("Don Draper", "Don"),
        ("Mme Jeanne Dupont", "Jeanne"),
        ("M. Jean Dupont", "Jean"),
        ("Herr Karl Vogt", "Karl"),
        ("Dott.ssa Maria Rossi", "Maria"),
        ("Mr. and Mrs. Smith", "Smith"),
        ("\u0433-\u043d \u0418\u0432\u0430\u043d\u043e\u0432", "\u0418\u0432\u0430\u043d\u043e\u0432"),
        ("\u0627\u0644\u0633\u064a\u062f\u0629 \u0641\u0627\u0637\u0645\u0629", "\u0641\u0627\u0637\u0645\u0629"),
        ("Dr.", None),
        ("Sra", None),
        ("Ana\nRuiz", "Ana"),
        ("Ana\u00a0Ruiz", "Ana"),
        ("Ana\u3000Ruiz", "Ana"),
        ("\u2003Ana\u2028Ruiz", "Ana"),
        ("\u2728Ana\u2728 Ruiz", "Ana"),
        ("\U0001f600 Ana", "Ana"),
        ('"Ana" Ruiz', "Ana"),
        ("O'Brien", "O'Brien"),
        ("Anne-Marie D'Arc", "Anne-Marie"),
        ("e\u0301va", "e\u0301va"),
        ("\u674e\u96f7", "\u674e\u96f7"),
        ("Nan Goldin", "Nan"),
        ("Na Young", "Na"),
        ("Jennifer Null", "Jennifer"),
    ],
)
def test_the_first_name_is_found_in_a_whole_name(name: str, first: str | None) -> None:
    assert first_name(None, name) == first


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "-", "--", "123", "+34600111222", "\U0001f600", "\u2764\ufe0f\U0001f1ea\U0001f1f8", "\u3164", "\u200b",
        "N/A", "n/a", "#N/A", "n.a.", "NULL", "null", "(null)", "<null>", "null null", "null Ruiz", "undefined", "NaN",
        "None", "unknown", "Unknown", "UNKNOWN UNKNOWN", "Desconocido", "unbekannt", "inconnu", "\u672a\u77e5", "sin nombre",
        "{{first_name}}", "{{ first_name }} {{ last_name }}", "{first_name}", "${name}", "#{name}", "{% name %}",
        "%FNAME%", "%FNAME% %LNAME%", "%%first_name%%", "*|FNAME|*", "*|FNAME|* *|LNAME|*", "[Name]", "[[firstname]]",
        "<first name>", "<%= name %>", "__NAME__", "@@name@@", "First Name", "firstname", "Nombre", "Vorname",
        "ana@example.com", "https://example.com", "$first_name", "@{name}", "#FNAME#", "«First_Name»", "‹name›", "…", "— —",
        "contact.first_name", "Facebook User", "Cliente", "Kunde", "Walk-in Customer", "Nombre Apellidos", "«Vorname» «Nachname»",
    ],
)  # fmt: skip
def test_what_is_no_name_is_no_value(name: str) -> None:
    assert (first_name(name, name), full_name(name, name, name)) == (None, None)


@pytest.mark.parametrize(
    ("first", "name", "expected"),
    [
        ("Ana Mar\u00eda", "x", "Ana Mar\u00eda"),
        ("Dr. Eva", None, "Eva"),
        ("Ruiz, Ana", None, "Ana"),
        ("N/A", "Bo Gil", "Bo"),
        ("\U0001f600", "Bo Gil", "Bo"),
        (None, None, None),
    ],
)
def test_a_first_name_of_its_own_goes_before_the_name(
    first: str | None, name: str | None, expected: str | None
) -> None:
    assert first_name(first, name) == expected


@pytest.mark.parametrize(
    ("name", "first", "last", "expected"),
    [
        ("", "Ana", "Ruiz", "Ana Ruiz"),
        (None, "Ana", None, "Ana"),
        (None, None, "Ruiz", "Ruiz"),
        ("N/A", "Ana", "null", "Ana"),
        ("Dr.", "Ana", "Ruiz", "Ana Ruiz"),
        ("Ruiz, Ana", None, None, "Ana Ruiz"),
        ("Eva Sanz, MD", None, None, "Eva Sanz, MD"),
        ("Dr. Eva Sanz", "Bo", "Gil", "Dr. Eva Sanz"),
        ("Ana\n Ruiz", None, None, "Ana Ruiz"),
    ],
)
def test_the_whole_name_is_as_it_is_spoken_and_joined_where_there_is_none(
    name: str | None, first: str | None, last: str | None, expected: str
) -> None:
    assert full_name(name, first, last) == expected
