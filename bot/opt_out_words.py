"""Recognizes opt-out, opt-in and confirmation words in messages and buttons, in many languages.

A word counts only if it is the whole message: "stop" does, "don't stop" and "stop it" do not. Messages and lists
are normalized alike: case, accents, punctuation, emoji and spaces do not matter, nor does a "please".
"""

import re
import unicodedata
from typing import Literal

Word = Literal["stop", "start"]

MAX_CHARACTERS = 200  # a longer message is never a single word

# Unmistakable anywhere: typed, or as the title of a button, even of a button that a bot flow offered.
_STOP_ANYWHERE = """
    stop; stop all; stopall; stop promos; stop promotions; stop promo; stop marketing; stop messages; stop sending;
    stop sending messages; stop messaging me; stop texting me; unsubscribe; unsubscribe me; opt out; optout; opt me out;
    stop offers; stop ads; stop the messages;
    revoke; remove me; remove me from the list; take me off the list; no more messages; no more promotions
    baja; darme de baja; dar de baja; dame de baja; quiero darme de baja; baja promociones; parar promociones;
    detener promociones; cancelar suscripción; anular suscripción; desuscribir; desuscribirme; desuscribirse;
    detener mensajes; parar mensajes; no más promociones; no más mensajes; no quiero más mensajes;
    no quiero recibir más mensajes; no enviar más; no me escriban más; no recibir promociones
    descadastrar; me descadastre; cancelar inscrição; cancelar subscrição; cancelar assinatura; parar promoções;
    parar de receber; não quero mais mensagens; não quero mais receber; não quero receber; não enviar mais;
    parar mensagens; não quero mais promoções; não quero mais receber mensagens; sair da lista; remover da lista
    désabonner; me désabonner; se désabonner; désabonnement; désinscrire; me désinscrire; se désinscrire;
    désinscription; plus de messages; arrêter les promos; arrêter les promotions; arrêter les messages; ne plus recevoir;
    stop pub; arrêter les offres; je ne veux plus recevoir de messages; je ne veux plus de messages
    stopp; abmelden; mich abmelden; abbestellen; austragen; abmeldung; newsletter abbestellen; keine werbung;
    keine werbung mehr; keine nachrichten mehr; werbung stoppen; nachrichten stoppen; angebote stoppen;
    keine angebote mehr; ich möchte keine nachrichten mehr
    disiscrivimi; disiscriversi; disiscrizione; cancellami; cancella iscrizione; annulla iscrizione;
    annulla l'iscrizione; non voglio più messaggi; basta messaggi; basta promozioni; stop messaggi;
    non voglio più ricevere messaggi; interrompi promozioni; stop promozioni; ferma promozioni
    afmelden; uitschrijven; wypisz; wypisz mnie; avsluta prenumeration; avregistrera; afmeld; dezabonare
    стоп; отписаться; отписка; відписатися; iptal et; abonelikten çık; berhenti; berhenti langganan
    توقف; إلغاء الاشتراك; الغاء الاشتراك; रोकें; बंद करें; 停止; 配信停止; 退订; 退訂; 取消订阅; 수신거부; 구독취소
"""

# Also everyday answers ("Cancel" under an order): they count only if the person typed them.
_STOP_TYPED = """
    quit; end; cancel
    parar; pare; parad; detener; cancelar
    sair; remover
    arrêt; arrêter; arrêtez
    aufhören; beenden
    ferma; fermare; fermati; annulla
    dur; iptal
"""

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


def normalize_text(text: str) -> str:
    """Return the text in lower case, without accents, punctuation and emoji, with single spaces between words."""
    letters = []
    plain = unicodedata.normalize("NFKD", text)  # before folding: 𝐒𝐓𝐎𝐏 has no lower case
    for character in unicodedata.normalize("NFKD", plain.casefold()):
        category = unicodedata.category(character)
        if category in {"Mn", "Me", "Cf"}:
            continue
        letters.append(character if category[0] in "LN" or category == "Mc" else " ")
    return " ".join("".join(letters).split())


def _normalize_list(words: str) -> frozenset[str]:
    return frozenset(
        normalize_text(word) for line in words.strip().splitlines() for word in line.split(";") if word.strip()
    )


_STOP_BUTTONS = _normalize_list(_STOP_ANYWHERE)
_STOP_WORDS = _STOP_BUTTONS | _normalize_list(_STOP_TYPED)
_START_WORDS = _normalize_list(_START_ANYWHERE)
_YES_WORDS = _normalize_list(_YES)
_POLITE_WORDS = sorted(_normalize_list(_POLITE), key=len, reverse=True)


def opt_out_intent(text: str | None) -> Word | None:
    """Return whether a typed message is an opt-out or opt-in word; None if it is neither.

    After a slash everyday words do not count: `/end` is an incomplete command of staff.
    """
    is_command = text is not None and text.lstrip().startswith("/")
    return _find_word(text, _STOP_BUTTONS if is_command else _STOP_WORDS)


def button_intent(title: str | None, payload: str | None) -> Word | None:
    """Return whether a pressed button opts out or in; None if it does neither.

    The payload's last part decides first (`c42:optout`, `STOP`), except in buttons of bot flows, whose payloads name nodes;
    then the title, where everyday words such as "Cancel" do not count.
    """
    if payload and not _FLOW_BUTTON.match(payload):
        key = normalize_text(payload.rsplit(":", 1)[-1]).replace(" ", "")
        if key in _PAYLOAD_STOP:
            return "stop"
        if key in _PAYLOAD_START:
            return "start"
    return _find_word(title, _STOP_BUTTONS)


def is_yes(text: str | None) -> bool:
    """Return whether a typed message is a word of agreement."""
    return text is not None and _normalize_message(text) in _YES_WORDS


def is_yes_button(title: str | None, payload: str | None) -> bool:
    """Return whether a pressed button agrees. Buttons of bot flows never do: their answer is for the flow."""
    if payload and _FLOW_BUTTON.match(payload):
        return False
    key = normalize_text((payload or "").rsplit(":", 1)[-1]).replace(" ", "")
    return key in _PAYLOAD_YES or is_yes(title)


def _find_word(text: str | None, stops: frozenset[str]) -> Word | None:
    folded = _normalize_message(text or "")
    if folded in stops:
        return "stop"
    return "start" if folded in _START_WORDS else None


def _normalize_message(text: str) -> str:
    """Return the normalized message without polite words; empty if it is too long to be a word."""
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
