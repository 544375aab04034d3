"""Recognizes opt-out, opt-in and confirmation words in messages and buttons, in many languages.

A word counts only if it is the whole message: "stop" does, "don't stop" and "stop it" do not. Messages and lists
are normalized alike: case, accents, punctuation, emoji and spaces do not matter, nor does a "please".
"""

import re
import unicodedata
from itertools import chain
from typing import Literal

from bot.opt_out_languages import STOP, STOP_TYPED
from models.folding import fold_letters

Word = Literal["stop", "start"]

MAX_CHARACTERS = 200  # a longer message is never a single word
MAX_WORDS_TO_ASK_ABOUT = 100

NO_WORDS: frozenset[str] = frozenset()

_START_ANYWHERE = """
    start; unstop; subscribe; subscribe me; resubscribe; opt in; optin; opt me in; start promos; start promotions
    alta; darme de alta; dar de alta; suscribir; suscribirme; suscribirse; quiero suscribirme; volver a suscribirme
    inscrever; me inscrever; inscrever me; quero me inscrever; cadastrar; quero receber; voltar a receber
    s'abonner; m'abonner; abonner; s'inscrire; m'inscrire; je m'abonne
    anmelden; mich anmelden; abonnieren; starten
    iscrivimi; iscriversi; iscriviti; iscrizione; abbonami
    aanmelden; inschrijven; zapisz; zapisz mnie; prenumerera; старт; подписаться; підписатися; abone ol
    ابدأ; اشتراك; शुरू करें; 订阅; 訂閱; 購読; 구독
"""

# Confirms a double opt-in; the caller uses it for contacts alone whose opt-in is pending.
_YES = """
    yes; yes i do; yes i agree; i agree; i confirm; confirm
    sí; sí quiero; sí acepto; acepto; confirmo; confirmar
    sim; sim aceito; aceito; sim quero; concordo
    oui; oui j'accepte; j'accepte; je confirme; confirmer
    ja; ja gerne; ja bitte; ich bestätige; bestätigen; einverstanden; ich stimme zu
    sì accetto; accetto; confermo; conferma
    ja graag; ik bevestig; tak; potwierdzam; да; подтверждаю; так; evet; onaylıyorum; نعم; हाँ; はい; 是; 确认; 네
"""

_POLITE = """
    please; pls; plz; thanks; thank you; thx; por favor; porfa; gracias; obrigado; obrigada; s'il vous plaît;
    s'il te plaît; svp; stp; merci; bitte; danke; per favore; per piacere; grazie; alsjeblieft; lütfen
"""

_PAYLOAD_STOP = {"stop", "optout", "unsubscribe", "stoppromos", "stoppromotions"}
_PAYLOAD_START = {"start", "optin", "subscribe", "startpromos", "startpromotions"}
_PAYLOAD_YES = {"yes", "confirm", "confirmoptin", "doubleoptin"}
_FLOW_BUTTON = re.compile(r"f[0-9]+:")
# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def normalize_text(text: str) -> str:
    """Return the text in lower case, without accents, punctuation and emoji, with single spaces between words."""
    letters = []
    for character in fold_letters(text):
        category = unicodedata.category(character)
        letters.append(character if category[0] in "LN" or category == "Mc" else " ")
    return " ".join("".join(letters).split())


def _normalize_list(words: str) -> frozenset[str]:
    return frozenset(
        normalize_text(word) for line in words.strip().splitlines() for word in line.split(";") if word.strip()
    )


_STOP_BUTTONS = _normalize_list("\n".join(STOP.values()))
_LONGEST_STOP = max(len(word.split()) for word in _STOP_BUTTONS)
_STOP_WORDS = _STOP_BUTTONS | _normalize_list("\n".join(STOP_TYPED.values()))
_START_WORDS = _normalize_list(_START_ANYWHERE)
_YES_WORDS = _normalize_list(_YES)
_POLITE_WORDS = sorted(_normalize_list(_POLITE), key=len, reverse=True)


def split_words(text: str) -> dict[str, str]:
    """Return the words of a setting, separated by semicolons, commas or lines, each with its normalized form.

    The form is empty for what could never be a whole message: no letter or digit is in it, or it is too long.
    """
    words = (word.strip() for word in re.split(r"[;,\n]", text))
    return {word: normalize_message(word) for word in words if word}


def read_own_words(text: str) -> frozenset[str]:
    """Return the installation's own opt-out words, normalized, from the text of the setting `stop_words`."""
    return frozenset(word for word in split_words(text).values() if word)


def opt_out_intent(text: str | None, own: frozenset[str] = NO_WORDS) -> Word | None:
    """Return whether a typed message is an opt-out or opt-in word; None if it is neither.

    `own` are the installation's words (`read_own_words`), as certain as STOP. After a slash everyday words do not count: `/end` is
    an incomplete command of staff.
    """
    is_command = text is not None and text.lstrip().startswith("/")
    return _find_word(text, _STOP_BUTTONS if is_command else _STOP_WORDS, own)


def is_certain_stop(text: str | None, own: frozenset[str] = NO_WORDS) -> bool:
    """Return whether what was typed or pressed is an unmistakable opt-out word, whatever was asked; "Cancel" is none."""
    return _find_word(text, _STOP_BUTTONS, own) == "stop"


def may_mean_opt_out(text: str | None, own: frozenset[str] = NO_WORDS) -> bool:
    """Return whether a message that is no opt-out word holds one, so that a human should read it: "stop it please now".

    "Don't stop" and "bus stop" do so too: it is a reason to look, never a change of consent.
    """
    words = normalize_text(text or "").split()
    if not words or len(words) > MAX_WORDS_TO_ASK_ABOUT or opt_out_intent(text, own) is not None:
        return False
    longest = max(_LONGEST_STOP, *(len(word.split()) for word in own)) if own else _LONGEST_STOP
    runs = (
        " ".join(words[first : first + count])
        for count in range(1, min(longest, len(words)) + 1)
        for first in range(len(words) - count + 1)
    )
    if any(run in _STOP_BUTTONS or run in own for run in runs):
        return True
    message = " ".join(words)
    if not _UNSPACED.search(message):
        return False
    return any(word in message and _UNSPACED.search(word) for word in chain(_STOP_BUTTONS, own))


def button_intent(title: str | None, payload: str | None) -> Word | None:
    """Return whether a pressed button opts out or in; None if it does neither.

    A button of a bot flow does neither: it speaks to its flow. Of others the payload's last part decides first (`c42:optout`,
    `STOP`). A title can opt out, where everyday words such as "Cancel" do not count. It never opts in: a button "Start" begins
    what the message above it offers. Without a payload of its own, a template's button has its title as the payload
    (docs/meta.md §7.6), which is no opt-in either.
    """
    if payload and _FLOW_BUTTON.match(payload):
        return None
    if payload:
        key = normalize_text(payload.rsplit(":", 1)[-1]).replace(" ", "")
        if key in _PAYLOAD_STOP:
            return "stop"
        if key in _PAYLOAD_START and normalize_text(payload) != normalize_text(title or ""):
            return "start"
    return "stop" if is_certain_stop(title) else None


def is_yes(text: str | None) -> bool:
    """Return whether a typed message is a word of agreement."""
    return text is not None and normalize_message(text) in _YES_WORDS


def is_yes_button(title: str | None, payload: str | None) -> bool:
    """Return whether a pressed button agrees. Buttons of bot flows never do: their answer is for the flow."""
    if payload and _FLOW_BUTTON.match(payload):
        return False
    key = normalize_text((payload or "").rsplit(":", 1)[-1]).replace(" ", "")
    return key in _PAYLOAD_YES or is_yes(title)


def _find_word(text: str | None, stops: frozenset[str], own: frozenset[str]) -> Word | None:
    folded = normalize_message(text or "")
    if folded in stops or folded in own:
        return "stop"
    return "start" if folded in _START_WORDS else None


def normalize_message(text: str) -> str:
    """Return the normalized message without repetitions and polite words; empty if it is too long to be a word."""
    if len(text) > MAX_CHARACTERS:
        return ""
    words = normalize_text(text).split()
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]  # s t o p
    if len(set(words)) == 1:
        words = words[:1]  # stop stop stop
    return _without_politeness(" ".join(words))


def _without_politeness(folded: str) -> str:
    previous = ""
    while previous != folded:
        previous = folded
        for polite in _POLITE_WORDS:
            folded = folded.removeprefix(f"{polite} ").removesuffix(f" {polite}")
    return folded
