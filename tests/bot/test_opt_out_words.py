"""STOP and START words."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.opt_out_languages import STOP, STOP_TYPED
from bot.opt_out_words import (
    button_intent,
    is_certain_stop,
    is_yes,
    is_yes_button,
    may_mean_opt_out,
    normalize_text,
    opt_out_intent,
    read_own_words,
    split_words,
)
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        "🛑 Stop 🛑",
        "S.T.O.P",
        "s t o p",
        "ＳＴＯＰ",
        "stop stop stop",
        "\u200bstop\u200b",
    ],
)
def test_a_stop_word_counts_however_it_is_typed(text: str) -> None:
    assert opt_out_intent(text) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "Unsubscribe", "opt-out", "Please stop", "stop, thanks",  # English
        "BAJA", "Darme de baja", "Cancelar suscripción", "no mas mensajes", "parar por favor",  # Spanish
        "Sair", "PARAR", "cancelar inscricao", "Não quero mais mensagens",  # Portuguese
        "Arrêt", "ARRETER", "me désabonner", "desinscription", "stop s'il vous plaît",  # French
        "Abmelden", "Stopp!", "keine Werbung mehr", "bitte abmelden",  # German
        "Cancellami", "disiscrivimi", "Non voglio più messaggi", "annulla l’iscrizione",  # Italian
        "𝐒𝐓𝐎𝐏", "стоп", "توقف", "退订", "रोकें",
    ],
)  # fmt: skip
def test_every_language_has_its_stop_words(text: str) -> None:
    assert opt_out_intent(text) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "don't stop", "Don’t stop!", "stop it", "stop by the shop", "when does it stop?", "nonstop",
        "no quiero la baja", "estoy de baja", "the end", "can't cancel my order", "bus stop",
        "", " ", "🛑", "no", "si", "stop?start",
    ],
)  # fmt: skip
def test_a_stop_word_inside_a_sentence_does_not_unsubscribe(text: str) -> None:
    assert opt_out_intent(text) is None


@pytest.mark.parametrize("text", ["START", "unstop", "Alta", "quiero suscribirme", "abonner", "Anmelden", "iscrivimi"])
def test_a_start_word_subscribes_again(text: str) -> None:
    assert opt_out_intent(text) == "start"


@pytest.mark.parametrize(
    ("title", "payload", "word"),
    [
        ("Stop promos", "Stop promos", "stop"),
        ("No thanks", "c42:optout", "stop"),
        ("No thanks", "c42:opt_out", "stop"),
        ("Keine Werbung", "c42:whatever", "stop"),
        ("Yes, send me news", "optin", "start"),
        ("Start", "f3:hello:go", None),  # a button speaks to its flow; its title opts nobody in
        ("Subscribe", "h1b:abc:7:0", None),
        ("Start", "Start", None),  # a template's button without a payload of its own
        ("Anmelden", None, None),
        ("Stop promos", "h1b:abc:7:1", "stop"),
        ("Stop promos", "f3:menu:stop", None),  # a button of a bot flow speaks to its flow alone
        ("Leave it", "f3:menu:stop", None),  # a bot flow's payload names nodes and keys
        ("Cancel", "f3:order:cancel", None),
        ("Cancel", "c42:cancel", None),
        ("Yes", "c42:yes", None),
        (None, None, None),
    ],
)
def test_a_button_says_it_by_payload_or_title(title: str | None, payload: str | None, word: str | None) -> None:
    assert button_intent(title, payload) == word


@pytest.mark.parametrize(
    "text", ["Yes", "sí", "SI!", "Sim, obrigada", "oui", "Ja bitte", "sì", "✅ YES ✅", "j’accepte"]
)
def test_every_language_has_its_yes(text: str) -> None:
    assert is_yes(text)
    assert opt_out_intent(text) is None


@pytest.mark.parametrize("text", ["yes but later", "yesterday", "no", "ok", "", None, "yes " * 100, "start"])
def test_a_yes_inside_a_sentence_is_none(text: str | None) -> None:
    assert not is_yes(text)


@pytest.mark.parametrize(
    ("title", "payload", "is_one"),
    [
        ("Yes", None, True),
        ("Send me news", "c42:confirm", True),
        ("Yes", "f3:menu:yes", False),
        ("No", "c42:no", False),
    ],
)
def test_a_button_says_yes_by_payload_or_title_unless_a_bot_flow_asked(
    title: str, payload: str | None, is_one: bool
) -> None:
    assert is_yes_button(title, payload) == is_one


def test_politeness_does_not_matter_in_whatever_order_it_comes() -> None:
    polite = ("please", "thanks", "bitte", "danke")
    for first, second in permutations(polite, 2):
        assert opt_out_intent(f"stop, {first}, {second}!") == "stop"
        assert opt_out_intent(f"{first} {second}: STOP") == "stop"
    assert opt_out_intent("thanks please") is None


@pytest.mark.parametrize(
    "title",
    [
        "Stop promotions", "Stop offers", "Detener promociones", "No más promociones", "Parar promoções",
        "Parar mensagens", "Arrêter les promotions", "Stop pub", "Angebote stoppen", "Keine Werbung mehr",
        "Stop promozioni", "Basta promozioni",
    ],
)  # fmt: skip
def test_the_title_of_a_quick_reply_stops_in_every_language(title: str) -> None:
    assert (button_intent(title, title), button_intent(title, None)) == ("stop", "stop")


def test_an_everyday_word_is_a_stop_only_when_typed() -> None:
    assert (opt_out_intent("Cancel"), button_intent("Cancel", "Cancel")) == ("stop", None)


def test_a_very_long_message_is_no_word() -> None:
    assert opt_out_intent("stop " * 100) is None


@given(st.text(max_size=300))
def test_folding_never_fails_and_folds_once_and_for_all(text: str) -> None:
    opt_out_intent(text)
    assert normalize_text(normalize_text(text)) == normalize_text(text)


def template_languages() -> list[str]:
    """The languages in which Meta takes templates, as docs/meta.md lists them."""
    page = (ROOT / "docs" / "meta.md").read_text(encoding="utf-8")
    listed: str = page.split("### 5.8 Language codes", 1)[1].split("```")[1]
    return listed.split()


def test_there_are_opt_out_words_for_every_language_of_a_template() -> None:
    languages = template_languages()
    assert len(languages) > 65
    assert [code for code in languages if code not in STOP and code.split("_")[0] not in STOP] == []
    assert sorted(set(STOP) - set(languages)) == []


@pytest.mark.parametrize("code", sorted(STOP))
def test_each_word_of_a_language_opts_out_typed_and_as_a_button(code: str) -> None:
    words = [word.strip() for word in STOP[code].split(";")]
    assert all(words)
    heard = {word: (opt_out_intent(f"{word.upper()}!"), button_intent(word, None)) for word in words}
    assert heard == dict.fromkeys(words, ("stop", "stop"))


@pytest.mark.parametrize("code", sorted(STOP_TYPED))
def test_an_everyday_word_opts_out_only_as_a_whole_typed_message(code: str) -> None:
    for word in STOP_TYPED[code].split(";"):
        assert opt_out_intent(word) == "stop"
        assert opt_out_intent(f"{word} 123 abc") is None


@pytest.mark.parametrize(
    "text",
    [
        "ALTO", "STOP SMS", "إيقاف", "إيقاف العروض الترويجية", "बंद करो", "הסר", "RET", "Pare de enviar",
        "no quiero más publicidad", "Stop marketing messages", "Werbung beenden",
    ],
)  # fmt: skip
def test_what_people_were_seen_to_write_is_heard(text: str) -> None:
    assert opt_out_intent(text) == "stop"


@pytest.mark.parametrize("text", ["acha", "seis", "stad", "ok", "mañana", "sim", "no", "yes", "nein", "да", "非常好"])
def test_an_everyday_answer_of_another_language_opts_nobody_out(text: str) -> None:
    assert opt_out_intent(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "stop it please now", "please stop with this", "quiero la baja ya", "bitte endlich abmelden!",
        "word " * 50 + "stop", "请马上停止发送这些消息", "ช่วยหยุดส่งข้อความด้วย",
    ],
)  # fmt: skip
def test_what_may_be_an_opt_out_is_for_a_human(text: str) -> None:
    assert opt_out_intent(text) is None
    assert may_mean_opt_out(text)


@pytest.mark.parametrize(
    "text", ["stop", "STOP!", "", None, "thank you", "when do you open?", "nonstop", "word " * 100 + "stop"]
)
def test_what_is_certain_or_says_nothing_of_stopping_is_not(text: str | None) -> None:
    assert not may_mean_opt_out(text)


def test_own_words_are_as_certain_as_stop() -> None:
    own = read_own_words("Schluss jetzt; fin de pub,\n!!;  ; GENUG")
    assert own == {"schluss jetzt", "fin de pub", "genug"}
    assert [opt_out_intent(text, own) for text in ("SCHLUSS jetzt!", "please genug", "schluss")] == [
        "stop",
        "stop",
        None,
    ]
    assert (is_certain_stop("Genug", own), is_certain_stop("Genug jetzt", own)) == (True, False)
    assert (may_mean_opt_out("es ist genug damit", own), may_mean_opt_out("genug", own)) == (True, False)
    assert split_words("!!; ok") == {"!!": "", "ok": "ok"}
