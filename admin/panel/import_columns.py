"""What each column of a contacts file is taken as: what can be chosen, what is guessed, what was chosen."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.attribute_values import OWN_FIELDS, BadValue, read_name
from models.refusal import Refused
from models.tag import Attribute

NEW = "new"
ATTRIBUTE = "attribute:"
PLACES = {
    "phone": "Phone",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "username": "WhatsApp username",
    "language": "Language",
    "country": "Country",
    "time_zone": "Time zone",
    "consent": "Consent",
    "consent_source": "Source of the consent",
    "tags": "Tags",
}
"""Each may be chosen for one column."""
MOST_ATTRIBUTES = 500
MOST_SOURCE = 200
_OTHER_NAMES = {
    "phone": "telephone mobile cell cellphone msisdn whatsapp number phone_number mobile_number telefono movil celular "
    "telefone numero portable tel telefon handy handynummer telefonnummer rufnummer cellulare wa_id",
    "name": "full_name nombre nome nom vorname_nachname contact customer nombre_completo",
    "first_name": "firstname given_name vorname prenom nombre_de_pila",
    "last_name": "lastname surname family_name nachname apellido apellidos cognome sobrenome",
    "email": "e_mail mail correo email_address",
    "language": "lang locale idioma sprache langue lingua",
    "country": "country_code pais land pays paese",
    "time_zone": "timezone tz",
    "consent": "opt_in optin subscription status_consent consentimiento einwilligung",
    "consent_source": "source optin_source opt_in_source origin",
    "tags": "tag labels label etiquetas etiketten",
}
_LEFT_OUT = {"refused_line", "refused_why"}
"""What the file of refused rows has before the columns of its own."""
_KNOWN = {other: place for place, others in _OTHER_NAMES.items() for other in others.split()} | {
    name: name for name in PLACES
}
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{6,20}")


def attribute_names(session: Session) -> list[str]:
    """Attributes that a column can be taken as."""
    names = session.scalars(select(Attribute.name).order_by(Attribute.name).limit(MOST_ATTRIBUTES))
    return [name for name in names if name.lower() not in PLACES]


def choices_of(column: str, attributes: Sequence[str]) -> list[tuple[str, Any]]:
    """What this column can be taken as, for a select."""
    found: list[tuple[str, Any]] = [("", "Leave it out"), *PLACES.items()]
    own = [(NEW, f"New attribute “{column}”")] if _is_attribute(column) and column not in attributes else []
    known = [(f"{ATTRIBUTE}{name}", name) for name in attributes]
    return [*found, ("Attribute", own + known)] if own or known else found


def guess(header: Sequence[str], rows: Sequence[Sequence[str]], attributes: Sequence[str]) -> list[str]:
    """What is probably meant: by the column's name, else by what looks like phones, else an attribute."""
    by_fold = {_folded(name): f"{ATTRIBUTE}{name}" for name in attributes}
    found: list[str] = []
    for column in header:
        meant = by_fold.get(_folded(column)) or _KNOWN.get(_folded(column), "")
        if _folded(column) in _LEFT_OUT:
            found.append("")
        elif meant and meant not in found:
            found.append(meant)
        else:
            found.append(NEW if _is_attribute(column) else "")
    for place in range(len(header)):
        cells = [row[place] for row in rows if place < len(row)]
        if "phone" not in found and cells and all(_PHONE.fullmatch(cell.strip()) for cell in cells):
            found[place] = "phone"
    return found


def read_columns(
    header: Sequence[str], chosen: Sequence[str], source: str, attributes: Sequence[str]
) -> dict[str, str]:
    """The file's columns by the names that the import knows. Refused where that cannot be imported."""
    columns: dict[str, str] = {}
    for column, choice in zip(header, chosen, strict=True):
        name = _name_of(column, choice, attributes)
        twice = next((other for other, taken in columns.items() if name and taken == name), None)
        if twice is not None:
            raise Refused(f"“{twice}” and “{column}” are both taken as {PLACES.get(name, name)}; choose one of them.")
        columns[column] = name
    if "phone" not in columns.values():
        raise Refused("Choose the column that holds the phone.")
    if "consent" in columns.values() and "consent_source" not in columns.values() and not source:
        raise Refused("Consent needs its source: choose the column that says it, or write it below.")
    if len(source) > MOST_SOURCE:
        raise Refused(f"The source is {len(source)} characters long; at most {MOST_SOURCE} are allowed.")
    return columns


def chosen_of(header: Sequence[str], columns: Mapping[str, str], attributes: Sequence[str]) -> list[str]:
    """The choices that were made before."""
    names = [columns.get(column, "") for column in header]
    return [
        name if not name or name in PLACES else f"{ATTRIBUTE}{name}" if name in attributes else NEW for name in names
    ]


def _name_of(column: str, choice: str, attributes: Sequence[str]) -> str:
    if choice in {"", *PLACES}:
        return choice
    if choice == NEW and _is_attribute(column):
        return column
    if choice.startswith(ATTRIBUTE) and choice.removeprefix(ATTRIBUTE) in attributes:
        return choice.removeprefix(ATTRIBUTE)
    raise Refused(f"“{column}” cannot be taken as that.")


def _is_attribute(column: str) -> bool:
    """Whether an attribute can be called so."""
    try:
        return read_name(column, "").lower() not in {*PLACES, *OWN_FIELDS}
    except BadValue:
        return False


def _folded(name: str) -> str:
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter)
    )
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
