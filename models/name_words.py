"""Words that stand beside a person's name, or in place of one: titles, what follows a comma, placeholders of other systems.

All are in lower case. Titles and endings are written without dots, hyphens and apostrophes (`Dott.ssa` is `dottssa`).
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split(";") if phrase.strip())


TITLES = _words(
    """
    mr mrs ms miss mx mister missus madam sir dr drs doctor prof professor rev revd reverend hon capt sgt col gen
    herr hr frau fr fräulein frl herrn doktor dring dipling diplkfm ing mag magister mba profdr drmed drmeddent priv doz pd
    sr sra srta srita srs sras señor señora señorita senor senora senorita dª doña dona dra prof profa profª profesor
    profesora lic licda licenciado licenciada ingeniero ingeniera arq arquitecto arquitecta abog cpa mtro mtra maestra
    sr sra srª srta senhor senhora senhorita dr drª doutor doutora profa professora eng enga engª engenheiro engenheira exmo
    exma seu
    mme mmes mlle mlles monsieur messieurs madame mesdames mademoiselle docteur dre maître maitre me pr professeur
    sig sigra sigrina sigri signor signore signora signorina dott dottssa dottore dottoressa profssa professore
    professoressa avv ing geom rag arch egr gentma gentmo spett
    dhr mevr mw mevrouw meneer mijnheer mejuffrouw mej drs ir
    hr fru frk fröken frøken froken herra rouva neiti tohtori
    pan pani paní pán państwo dr hab inż mgr lek slečna ing mudr judr mvdr phdr rndr paeddr thdr bc
    dl dna dnă dlui domnul doamna domnișoara domnisoara
    gospodin gospođa gospođica gosp gđa gđica ga gdin
    гн гжа господин госпожа др доктор проф профессор тов пан пані панна добродій
    κος κα κα δρ κύριος κυρία δεσποινίς κύρ
    bay bayan sayın sayin sn doç öğr
    bapak pak bpk ibu sdr sdri tn ny nn hj encik puan pn cik tuan datuk dato datin
    bw ông bà gng bb
    السيد السيدة الآنسة الأستاذ الأستاذة الدكتور الدكتورة دكتور دكتورة المهندس د أ
    آقای خانم دکتر مهندس جناب محترمہ
    מר גברת גב דר פרופ
    श्री श्रीमती सुश्री कुमारी डॉ shri shrimati smt sri
    জনাব ডাঃ นาย นาง นางสาว คุณ
    """
)
"""Titles before a name. Those that are names themselves (Don, Dean) are in TITLES_BEFORE_TWO, or nowhere."""

TITLES_BEFORE_TWO = _words("don dom d mag major pastor judge lord lady father sister brother")
"""Titles that may be a name or an initial: they count where two more words follow ("Don Carlos Ruiz", "D. Juan Ruiz")."""

DOTTED_TITLES = _words("m. mm. κ. г. п. p. д. г-н. č.")
"""Titles that count only with their dot, in lower case as written."""

BETWEEN_TITLES = _words(
    "and und y e et en i och og ja ve и та és & med rer nat pol phil jur iur hc habil univ techn oec vet dent ing ssa ra"
)
"""What may stand between titles, or between a title and the name: "Mr and Mrs Smith", "Dr. med. Eva"."""

ENDINGS = TITLES | _words(
    """
    jr jnr junior snr senior ii iii iv esq phd dphil md dds dvm do mba msc ma bsc ba ceng cpa jd llm llb rn pharmd
    ceo cto cfo coo kg gmbh ag ug ohg ev mbh inc ltd llc llp plc corp co sl sa sau slu srl spa sas sarl bv nv oy ab as aps
    eirl ltda sac cia hijo filho neto sobrinho père fils
    """
)
"""What may follow a comma without being a first name: "Eva Sanz, MD"."""

PLACEHOLDERS = _phrases(
    """
    n/a; n.a; n\\a; n-a; n/d; n.d; s/n; s/d; s.n; nn; n.n; k.a; #n/a; #name; #null; #ref; #value; #num; #div/0
    null; nil; none; undefined; void; unknown; unnamed; anonymous; anonym; noname; no name; not available; not provided;
    not set; not specified; not given; no data; no value; empty; blank; missing; tbd; tba; xxx; xxxx; todo
    facebook user; instagram user; telegram user; deleted user; deleted account; private; hidden; not applicable;
    contact.first_name; contact.firstname; contact.name; customer.first_name; customer.firstname; customer.name; user.first_name;
    user.firstname; user.name; recipient.first_name; recipient.name; subscriber.first_name; subscriber.firstname;
    first_name last_name; first name last name; name surname; nombre apellido; nombre apellidos; vorname nachname; prénom nom;
    nome cognome; nome sobrenome;
    customer; cliente; clienta; client; kunde; kundin; klant; cliente final; consumidor final; clientes varios;
    cliente genérico; cliente generico; walk-in customer; walk in customer; invitado; invitada; invité; ospite; convidado;
    unknown user; unknown name; unknown contact; whatsapp user; guest; test test; user name; username
    first name; firstname; first_name; fname; given name; last name; lastname; last_name; lname; surname; name; full name;
    fullname; full_name; your name; contact name; customer name
    nombre; apellido; apellidos; primer nombre; vorname; nachname; prénom; prenom; nom; nome; sobrenome; cognome; naam; имя
    desconocido; desconocida; sin nombre; no disponible; ninguno; unbekannt; kein name; ohne name; keine angabe; inconnu;
    inconnue; sans nom; non renseigné; sconosciuto; sconosciuta; senza nome; non disponibile; desconhecido; desconhecida;
    sem nome; não informado; nao informado; não disponível; onbekend; geen naam; okänd; ukendt; ukjent; tuntematon; nieznany;
    nieznana; brak; neznámý; neznámá; necunoscut; ismeretlen; bilinmiyor; isimsiz; неизвестно; неизвестный; без имени;
    невідомо; άγνωστο; غير معروف; مجهول; لا يوجد; نامشخص; לא ידוע; अज्ञात; 不明; 未知; 匿名; 无; 名無し; 없음; 알 수 없음; ไม่ทราบ;
    tidak ada; không có
    """.replace("\n", ";")
)
"""What systems and people write where there is no name, without what encloses it."""

FIRST_PLACEHOLDERS = _phrases("null; undefined; unknown; n/a; #n/a; nil; none; n.a; (null")
"""Placeholders after which nothing of the rest is a name either: "null Ruiz". As a surname (Jennifer Null) they are names."""
