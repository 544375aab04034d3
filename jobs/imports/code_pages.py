"""The encodings in which programs write text without saying so: their names, their languages, and where those are written."""

from dataclasses import dataclass

LETTERS = {
    "es": "áéíñóúü", "pt": "àáâãçéêíóôõúü", "fr": "àâæçèéêëîïôùûüÿœ", "de": "äöüß", "it": "àèéìíîòóùú", "nl": "áèéêëïíóöúü",
    "sv": "åäöéáà", "fi": "åäöšž", "da": "æøåéöäáüó", "is": "áðéíóúýþæö", "ca": "àçèéíïòóúü", "ga": "áéíóú",
    "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "ro": "âăîşţ", "hr": "čćđšž",
    "sl": "čšžćđ", "sq": "çë", "tr": "âçğıîöşüûİ",
    "lt": "ąčėęįšųūž", "lv": "āčēģīķļņšūž", "et": "äõöüšž",
    "vi": "ăâđêôơưáàéèíóòúùý\u0300\u0301\u0303\u0309\u0323",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "uk": "абвгдежзийклмнопрстуфхцчшщьюяєіїґ",
    "be": "абвгдежзйклмнопрстуфхцчшыьэюяёіў",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя", "sr": "абвгдежзиклмнопрстуфхцчшђјљњћџ",
    "mk": "абвгдежзиклмнопрстуфхцчшѓѕјљњќџ",
    "el": "αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύϋΰφχψωώ",
    "he": "אבגדהוזחטיךכלםמןנסעףפץצקרשת׳״",
    "ar": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي،",
    "fa": "ءآأؤئابتثجحخدذرزسشصضطظعغفقلمنهوپچژکگيك،",
    "ur": "ءآأؤئابتثجحخدذرزسشصضطظعغفقلمنوٹپچڈڑژکگںھہےيك،",
    "th":
    "กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬ"
    "อฮะัาำิีึืฺุูเแโใไๅๆ็่้๊๋์ํ๎",
    "ja": "", "zh": "", "ko": "",
}  # fmt: skip
"""The letters of each language beyond ASCII (the exemplar characters of the Unicode CLDR), with those of names that a
code page has besides. Languages without an alphabet are told by what is frequent in their code page (`word_fit`)."""

_SPOKEN = {
    "es": "ES MX AR CO PE VE CL EC GT CU BO DO HN PY SV NI CR PA UY PR GQ US", "pt": "PT BR AO MZ CV GW ST TL",
    "fr": "FR BE CH LU MC CA CI SN CM BF ML NE TG BJ CD CG GA GN MG MA DZ TN HT RE GP MQ GF NC PF MU DJ KM BI RW",
    "de": "DE AT CH LI LU", "it": "IT CH SM VA", "nl": "NL BE SR CW AW", "sv": "SE FI AX", "fi": "FI", "da": "DK NO FO GL SJ",
    "is": "IS",
    "ca": "AD ES", "ga": "IE", "pl": "PL", "cs": "CZ", "sk": "SK", "hu": "HU", "ro": "RO MD", "hr": "HR BA RS ME", "sl": "SI",
    "sq": "AL XK", "tr": "TR CY AZ", "lt": "LT", "lv": "LV", "et": "EE", "vi": "VN", "ru": "RU BY KZ KG UA TJ UZ MD",
    "uk": "UA", "be": "BY", "bg": "BG", "sr": "RS BA ME XK", "mk": "MK", "el": "GR CY", "he": "IL",
    "ar": "SA AE EG IQ JO KW LB LY OM QA SY YE BH SD PS DZ MA TN MR", "fa": "IR AF", "ur": "PK", "th": "TH", "ja": "JP",
    "zh": "CN SG TW HK MO", "ko": "KR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodePage:
    """An encoding: Python's name of it, what people call it, and its languages."""

    codec: str
    label: str
    languages: tuple[str, ...]
    is_double_byte: bool = False

    @property
    def is_rare(self) -> bool:
        """Whether hardly any program of today writes it without being asked to: those of Windows are the usual ones."""
        return not (self.is_double_byte or self.codec.startswith("cp125") or self.codec == "cp874")


_WESTERN = ("es", "pt", "fr", "de", "it", "nl", "sv", "fi", "da", "is", "ca", "ga", "et")
_CENTRAL = ("pl", "cs", "sk", "hu", "ro", "hr", "sl", "sq", "de")
_CYRILLIC = ("ru", "uk", "be", "bg", "sr", "mk")
CODE_PAGES = (
    CodePage("cp1252", "Western European (Windows-1252)", _WESTERN),
    CodePage("cp1250", "Central European (Windows-1250)", _CENTRAL),
    CodePage("cp1251", "Cyrillic (Windows-1251)", _CYRILLIC),
    CodePage("cp1253", "Greek (Windows-1253)", ("el",)),
    CodePage("cp1254", "Turkish (Windows-1254)", ("tr", "de")),
    CodePage("cp1255", "Hebrew (Windows-1255)", ("he",)),
    CodePage("cp1256", "Arabic (Windows-1256)", ("ar", "fa", "ur", "fr")),
    CodePage("cp1257", "Baltic (Windows-1257)", ("lt", "lv", "et", "de")),
    CodePage("cp1258", "Vietnamese (Windows-1258)", ("vi", "fr")),
    CodePage("cp874", "Thai (Windows-874)", ("th",)),
    CodePage("cp932", "Japanese (Shift-JIS)", ("ja",), is_double_byte=True),
    CodePage("gbk", "Simplified Chinese (GBK)", ("zh",), is_double_byte=True),
    CodePage("cp949", "Korean (EUC-KR)", ("ko",), is_double_byte=True),
    CodePage("cp950", "Traditional Chinese (Big5)", ("zh",), is_double_byte=True),
    CodePage("mac_roman", "Western European (Mac)", _WESTERN),
    CodePage("mac_latin2", "Central European (Mac)", _CENTRAL),
    CodePage("mac_turkish", "Turkish (Mac)", ("tr", "de")),
    CodePage("mac_greek", "Greek (Mac)", ("el",)),
    CodePage("mac_cyrillic", "Cyrillic (Mac)", _CYRILLIC),
    CodePage("cp850", "Western European (DOS)", _WESTERN),
    CodePage("cp852", "Central European (DOS)", _CENTRAL),
    CodePage("cp866", "Cyrillic (DOS)", ("ru",)),
    CodePage("iso8859_2", "Central European (ISO 8859-2)", _CENTRAL),
    CodePage("iso8859_5", "Cyrillic (ISO 8859-5)", _CYRILLIC),
    CodePage("iso8859_15", "Western European (ISO 8859-15)", _WESTERN),
    CodePage("koi8_r", "Cyrillic (KOI8-R)", ("ru",)),
)
"""In the order in which they are offered; of two that read the same, the first is said."""
LABELS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16": "Unicode (UTF-16)",
    "utf-16-le": "Unicode (UTF-16, little endian)",
    "utf-16-be": "Unicode (UTF-16, big endian)",
    "utf-32": "Unicode (UTF-32)",
} | {page.codec: page.label for page in CODE_PAGES}
"""What can be chosen, and what it is called."""


def languages_of(countries: frozenset[str]) -> frozenset[str]:
    """The languages that are written in any of the countries (ISO codes)."""
    return frozenset(language for language, spoken in _SPOKEN.items() if countries.intersection(spoken.split()))
