"""Says which passwords may be chosen: 10 to 200 characters, no common one, and not one's own name.

How common a password is zxcvbn estimates, from lists of leaked passwords, words and names, rows of keys, dates and repetitions.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from jobs.core.loader import load
from models.errors import OperatorError
from models.tables.setting import read_setting

MIN_CHARACTERS = 10
MAX_CHARACTERS = 200
STRONG_SCORE = 3
"""zxcvbn's, of 0 to 4: about 10^8 guesses. After the hash and with slowed attempts nobody makes so many."""
_ESTIMATED = 32
"""The characters that zxcvbn looks at: of 72 with many signs in them it thinks for four seconds."""
_OTHER_THAN_NAME = 8
"""How many letters and digits a password must have beside the names in it."""
_PRODUCT = "hark"
# What zxcvbn's lists, which are English, lack: "password" and the like in the languages of most users, and words of this trade.
_COMMON_ELSEWHERE = (
    "whatsapp", "campaign", "marketing", "пароль", "привет", "qwerty", "йцукен", "κωδικος", "סיסמה", "密码",
    "contrasena", "contrasinal", "contrasenya", "senha", "palavrapasse", "passwort", "kennwort", "geheim", "hallo", "motdepasse",
    "bonjour", "soleil", "wachtwoord", "welkom", "parola", "ciao", "haslo", "sifre", "parol", "lozinka", "kodeord", "losenord",
    "salasana", "jelszo", "heslo", "clave", "hola", "bienvenido", "bemvindo", "willkommen", "bienvenue", "benvenuto", "teamo",
)  # fmt: skip
_LEET_SIGNS = "1!034@5$7"
"""Signs that are put in place of letters; the first two stand for i or l."""
_LEET = ("iioeaasst", "lloeaasst")
_estimating = threading.Lock()
"""zxcvbn keeps the words that it is given in a place that all threads share."""
_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")


def names_of(session: Session, public_url: str, email: str, name: str = "") -> tuple[str, ...]:
    """The names that a user's password must not consist of: theirs and the installation's."""
    return (email, name, urlsplit(public_url).hostname or "", str(read_setting(session, "installation")))


def check_password_rule(password: str, own_names: Iterable[str]) -> None:
    """Check a password that somebody chose. Raises OperatorError, with the reason, if it must not be used."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise OperatorError(
            "password: allowed are {min_characters} to {max_characters} characters",
            min_characters=MIN_CHARACTERS,
            max_characters=MAX_CHARACTERS,
        )
    words = _words_of(own_names)
    if _is_little_more_than(password, words):
        raise OperatorError(
            "password: it is little more than your name or address, or the name of this installation; take a few words more"
        )
    if _score(password, words) < STRONG_SCORE:
        raise OperatorError(
            "password: it is easy to guess, as common passwords, single words, dates and rows of keys are; take a few words"
            " that do not belong together"
        )


def _words_of(names: Iterable[str]) -> set[str]:
    """Every part of the names that has three characters or more, folded."""
    words = {_PRODUCT}
    for name in map(_fold, names):
        words.update(_WORD.findall(name), _LETTERS.findall(name))
    return {word for word in words if len(word) >= 3}


def _is_little_more_than(password: str, words: set[str]) -> bool:
    """Whether few letters and digits are left without the words, forwards or backwards, and with signs in place of letters."""
    by_length = sorted(words, key=len, reverse=True)
    parts = re.compile("|".join(re.escape(part) for word in by_length for part in (word, word[::-1])))
    for letters in ("", *_LEET):
        folded = _fold(password).translate(str.maketrans(_LEET_SIGNS[: len(letters)], letters))
        if parts.search(folded) and len("".join(_WORD.findall(parts.sub(" ", folded)))) < _OTHER_THAN_NAME:
            return True
    return False


def _score(password: str, words: set[str]) -> int:
    """zxcvbn's score, of the password as it is and without accents: the lower of both."""
    estimate = load("zxcvbn:zxcvbn")  # its lists take a moment and some memory
    known = [*sorted(words), *map(_fold, _COMMON_ELSEWHERE)]
    texts = {password[:_ESTIMATED], _fold(password)[:_ESTIMATED]}
    with _estimating:
        return min(int(estimate(text, user_inputs=known)["score"]) for text in texts)


def _fold(text: str) -> str:
    """In lower case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
