"""Lists the opt-out words of every language in which Meta takes templates (docs/meta.md §5.8), by Meta's language code.

`STOP`: unmistakable wherever it stands, also as the title of a button. `STOP_TYPED`: everyday words too ("enough", "cancel"), which
count only as a whole typed message. A word that is an everyday answer in another language of the list stays out of both: the
Swahili "acha" is the Hindi "all right", the Finnish "seis" the Spanish "six", the Irish "stad" a Dutch city.
Words are separated by semicolons; case, accents and punctuation do not matter.
"""

from collections.abc import Mapping

STOP: Mapping[str, str] = {
    "af": "stop boodskappe; teken uit; teken my uit; uitteken; geen boodskappe meer nie; geen advertensies nie",
    "sq": "ndal; ndalo; ndalni; çregjistrohu; çregjistrom; çabonohu; mos dërgo më mesazhe; nuk dua më mesazhe",
    "ar": (
        "إيقاف; ايقاف; أوقف; توقف; إيقاف الرسائل; أوقف الرسائل; إيقاف العروض; إيقاف العروض الترويجية; إيقاف الإعلانات; "
        "إيقاف التسويق; إلغاء الاشتراك; إلغاء اشتراكي; ألغ اشتراكي; لا أريد رسائل; "
        "لا أريد المزيد من الرسائل; لا ترسل رسائل"
    ),
    "az": "dayandır; dayandırın; abunəliyi ləğv et; abunəlikdən çıx; abunəlikdən çıxmaq; mesaj göndərməyin",
    "be_BY": "стоп; спыніць; адпісацца; адпішыце мяне; адпіска; больш не пішыце; не дасылайце паведамленні",
    "bn": ("বন্ধ করুন; বন্ধ কর; বন্ধ করো; থামুন; থামান; আনসাবস্ক্রাইব; সাবস্ক্রিপশন বাতিল; বার্তা বন্ধ করুন; মেসেজ বন্ধ করুন; আর মেসেজ চাই না"),
    "bg": (
        "стоп; спри; спрете; отпиши ме; отпишете ме; отписване; без реклами; не искам повече съобщения; "
        "спрете съобщенията"
    ),
    "ca": (
        "atura els missatges; atureu els missatges; dona'm de baixa; donar-me de baixa; "
        "cancel·la la subscripció; no vull més missatges"
    ),
    "zh_CN": "停止; 退订; 取消订阅; 停止订阅; 停止发送; 停止接收; 停止推广; 停止促销; 不要再发; 不要再发了; 别再发了; 不再接收",
    "zh_HK": "停止; 退訂; 取消訂閱; 停止發送; 停止接收; 停止推廣; 停止促銷; 不要再發; 不要再傳",
    "zh_TW": "停止; 退訂; 取消訂閱; 停止訂閱; 停止發送; 停止接收; 停止推廣; 停止促銷; 不要再傳; 不要再傳了",
    "hr": (
        "zaustavi poruke; odjava; odjavi me; odjavi se; odjavite me; prekini pretplatu; ne želim više poruke; "
        "bez reklama"
    ),
    "cs": (
        "odhlásit; odhlásit se; odhlaste mě; odhlásit odběr; zrušit odběr; nechci další zprávy; už nic neposílejte; "
        "neposílejte zprávy; žádné reklamy"
    ),
    "da": (
        "afmeld; afmeld mig; frameld; frameld mig; afmelding; stop reklamer; ikke flere beskeder; "
        "ingen flere beskeder; ingen reklamer"
    ),
    "prs_AF": "توقف; لغو اشتراک; لغو عضویت; دیگر پیام نفرستید; پیام نفرستید",
    "nl": (
        "afmelden; meld me af; meld mij af; uitschrijven; schrijf me uit; schrijf mij uit; "
        "geen berichten meer; geen reclame; "
        "geen reclame meer; stop reclame; stop berichten; stop met sturen"
    ),
    "en": (
        "stop; stop all; stopall; stop promos; stop promotions; stop promo; stop marketing; "
        "stop marketing messages; stop messages; "
        "stop the messages; stop sending; stop sending messages; stop messaging me; stop texting me; "
        "stop texting; stop offers; "
        "stop ads; stop sms; stop whatsapp; stop spam; unsubscribe; unsubscribe me; opt out; optout; "
        "opt me out; revoke; remove me; "
        "remove me from the list; take me off the list; no more messages; no more promotions; "
        "no more ads; end messages; "
        "do not message me; don't message me; do not text me; don't text me"
    ),
    "et": (
        "lõpeta sõnumid; peata sõnumid; loobun sõnumitest; tühista tellimus; lõpeta tellimus; "
        "ei soovi sõnumeid; eemalda mind"
    ),
    "fil": "itigil; ihinto; itigil ang mensahe; mag-unsubscribe; huwag nang magpadala; ayaw ko na ng mensahe",
    "fi": (
        "lopeta viestit; peruuta tilaus; peru tilaus; poista tilaus; poista minut listalta; en halua viestejä; "
        "ei enää viestejä; ei mainoksia"
    ),
    "fr": (
        "stop pub; stop sms; désabonner; me désabonner; se désabonner; désabonnez-moi; désabonnement; "
        "désinscrire; me désinscrire; "
        "se désinscrire; désinscrivez-moi; désinscription; plus de messages; plus de pub; pas de pub; "
        "plus de publicité; "
        "arrêter les promos; arrêter les promotions; arrêter les messages; arrêtez les messages; arrêtez d'envoyer; "
        "arrêter les offres; ne plus recevoir; retirez-moi de la liste; je ne veux plus recevoir de messages; "
        "je ne veux plus de messages; je ne veux plus de pub"
    ),
    "ka": "სტოპ; შეწყვიტე; შეწყვიტეთ; გამოწერის გაუქმება; გააუქმე გამოწერა; აღარ მინდა შეტყობინებები",
    "de": (
        "stopp; abmelden; mich abmelden; abbestellen; austragen; abmeldung; newsletter abbestellen; "
        "keine werbung; keine werbung mehr; "
        "keine nachrichten mehr; werbung stoppen; werbung beenden; stopp werbung; stop werbung; "
        "nachrichten stoppen; nachrichten beenden; "
        "angebote stoppen; keine angebote mehr; ich möchte keine nachrichten mehr; "
        "ich möchte keine werbung mehr; nicht mehr schreiben; "
        "schreiben sie mir nicht mehr; schreibt mir nicht mehr"
    ),
    "el": (
        "στοπ; διαγραφή; απεγγραφή; σταματήστε; κατάργηση εγγραφής; όχι άλλα μηνύματα; δεν θέλω άλλα μηνύματα; "
        "όχι διαφημίσεις"
    ),
    "gu": "બંધ કરો; રોકો; અનસબ્સ્ક્રાઇબ; સંદેશા બંધ કરો; મેસેજ બંધ કરો; સબ્સ્ક્રિપ્શન રદ કરો",
    "ha": "dakatar da saƙonni; daina aiko saƙo; soke rajista; bana son saƙonni; cire ni daga jerin",
    "he": (
        "הסר; הסירו; הסר אותי; הסירו אותי; תסירו אותי; הסרה; להסרה; בטל מינוי; ביטול מינוי; הפסיקו לשלוח; "
        "די לשלוח; לא רוצה הודעות"
    ),
    "hi": (
        "रोकें; रोको; बंद करें; बंद करो; बन्द करें; बन्द करो; बंद कर दो; मैसेज बंद करें; मैसेज बंद करो; "
        "संदेश बंद करें; सदस्यता रद्द करें; "
        "अनसब्सक्राइब; band karo; band kare; message band karo; message mat bhejo"
    ),
    "hu": (
        "leiratkozás; leiratkozom; leiratkozni; iratkoztass le; iratkoztassanak le; nem kérek több üzenetet; "
        "nem kérek reklámot"
    ),
    "id": (
        "berhenti; hentikan; berhenti langganan; berhenti berlangganan; hentikan pesan; hentikan promosi; "
        "jangan kirim lagi; "
        "jangan kirim pesan lagi; unreg"
    ),
    "ga": "stop teachtaireachtaí; díliostáil mé; díshíntiúsáil mé; ná seol níos mó teachtaireachtaí",
    "it": (
        "disiscrivimi; disiscriversi; disiscrizione; cancellami; cancella iscrizione; annulla iscrizione; "
        "annulla l'iscrizione; "
        "rimuovimi; toglimi dalla lista; non voglio più messaggi; non voglio più ricevere messaggi; "
        "basta messaggi; basta promozioni; "
        "basta pubblicità; niente pubblicità; stop messaggi; stop promozioni; stop pubblicità; "
        "interrompi promozioni; ferma promozioni; "
        "non inviare più; non inviatemi più messaggi"
    ),
    "ja": (
        "停止; 配信停止; 配信解除; 登録解除; 購読解除; 購読停止; メッセージ停止; ストップ; 送らないで; "
        "送らないでください; もう送らないで; "
        "配信を停止; 広告停止"
    ),
    "kn": "ನಿಲ್ಲಿಸಿ; ನಿಲ್ಲಿಸು; ಬಂದ್ ಮಾಡಿ; ಸಂದೇಶ ನಿಲ್ಲಿಸಿ; ಸಂದೇಶಗಳನ್ನು ನಿಲ್ಲಿಸಿ; ಚಂದಾದಾರಿಕೆ ರದ್ದುಮಾಡಿ",
    "kk": "тоқтат; тоқтату; тоқтатыңыз; жазылымнан бас тарту; жазылудан бас тарту; хабарлама жібермеңіз",
    "rw_RW": "hagarika; hagarika ubutumwa; mwinkureho; sinshaka ubutumwa; ntimukongere kunyoherereza",
    "ko": (
        "중지; 수신거부; 수신 거부; 광고 수신거부; 구독취소; 구독 취소; 구독해지; 구독 해지; "
        "그만 보내; 그만 보내세요; 보내지 마세요; 스톱"
    ),
    "ky_KG": "токтот; токтотуу; токтотуңуз; жазылуудан чыгуу; жазылууну токтотуу; билдирүү жөнөтпөңүз",
    "lo": "ຢຸດ; ຢຸດສົ່ງ; ຢຸດສົ່ງຂໍ້ຄວາມ; ຍົກເລີກການສະໝັກ; ຍົກເລີກການຕິດຕາມ",
    "lv": (
        "apturēt ziņas; atrakstīties; atrakstīt mani; atcelt abonementu; vairs nesūtiet; nesūtiet vairs; nevēlos ziņas"
    ),
    "lt": "stabdyti žinutes; atsisakau žinučių; atšaukti prenumeratą; nebesiųskite; nesiųskite; nenoriu žinučių",
    "mk": "стоп; запри ги пораките; одјави ме; одјавете ме; одјава; откажи претплата; не сакам повеќе пораки",
    "ms": (
        "berhenti; hentikan; berhenti melanggan; henti langganan; batal langganan; jangan hantar lagi; hentikan mesej"
    ),
    "ml": "നിർത്തുക; നിർത്തൂ; നിറുത്തുക; അൺസബ്സ്ക്രൈബ്; സന്ദേശങ്ങൾ നിർത്തുക; മെസേജ് നിർത്തുക",
    "mr": "थांबवा; बंद करा; संदेश बंद करा; मेसेज बंद करा; सदस्यता रद्द करा; अनसबस्क्राईब",
    "nb": (
        "stopp; avmeld; meld meg av; avregistrer; avregistrer meg; ingen flere meldinger; "
        "ikke flere meldinger; ikke mer reklame; ingen reklame"
    ),
    "ps_AF": "ودروه; بند کړئ; ګډون لغوه کړئ; پیغام مه لیږئ; نور پیغامونه مه رالیږئ",
    "fa": "توقف; لغو۱۱; لغو 11; لغو اشتراک; لغو عضویت; ارسال نکنید; پیام نفرستید; دیگر پیام نفرستید; تبلیغات نفرستید",
    "pl": (
        "wypisz; wypisz mnie; wypisz się; rezygnuję; anuluj subskrypcję; zrezygnuj z subskrypcji; "
        "nie chcę więcej wiadomości; "
        "przestańcie pisać; nie wysyłajcie wiadomości; nie pisz więcej; bez reklam"
    ),
    "pt_BR": (
        "descadastrar; me descadastre; descadastre-me; descadastro; cancelar inscrição; "
        "cancelar assinatura; parar promoções; "
        "parar mensagens; parar de receber; pare de enviar; parem de enviar; pare de me enviar mensagens; "
        "não envie mais; "
        "não enviar mais; não me envie mais mensagens; não me mande mais mensagens; não quero mais; "
        "não quero mais mensagens; "
        "não quero mais receber; não quero mais receber mensagens; não quero receber; "
        "não quero mais promoções; chega de mensagens; "
        "quero sair da lista; sair da lista; me tire da lista; remover da lista; sem propaganda; não quero propaganda"
    ),
    "pt_PT": (
        "cancelar subscrição; cancelar a subscrição; anular subscrição; remover subscrição; parem de enviar mensagens; "
        "não enviem mais; não quero mais publicidade; não quero publicidade; sem publicidade"
    ),
    "pa": "ਬੰਦ ਕਰੋ; ਰੋਕੋ; ਸੁਨੇਹੇ ਬੰਦ ਕਰੋ; ਮੈਸੇਜ ਬੰਦ ਕਰੋ; ਅਨਸਬਸਕ੍ਰਾਈਬ",
    "ro": (
        "dezabonare; dezabonează-mă; dezabonați-mă; mă dezabonez; anulare abonament; opriți mesajele; "
        "nu mai vreau mesaje; fără reclame"
    ),
    "ru": (
        "стоп; отписаться; отпишите меня; отпиши меня; отписка; отмена подписки; отменить подписку; "
        "прекратите рассылку; "
        "больше не пишите; не пишите мне; не пишите больше; не присылайте; не присылайте больше; "
        "без рекламы; хватит рекламы"
    ),
    "sr": (
        "стоп; одјава; одјави ме; одјавите ме; не желим више порука; прекини претплату; odjava; "
        "odjavi me; odjavite me; "
        "ne želim više poruka; prekini pretplatu"
    ),
    "si_LK": "නවත්වන්න; පණිවිඩ නවත්වන්න; දායකත්වය අවලංගු කරන්න; පණිවිඩ එවන්න එපා",
    "sk": (
        "odhlásiť; odhlásiť sa; odhláste ma; odhlásiť odber; zrušiť odber; nechcem ďalšie správy; "
        "neposielajte správy; žiadne reklamy"
    ),
    "sl": "odjava; odjavi me; odjavite me; ustavi sporočila; prekliči naročnino; ne želim več sporočil; brez reklam",
    "es": (
        "baja; darme de baja; dar de baja; dame de baja; denme de baja; quiero darme de baja; "
        "baja promociones; parar promociones; "
        "parar mensajes; detener promociones; detener mensajes; cancelar suscripción; "
        "cancelar la suscripción; anular suscripción; "
        "desuscribir; desuscribirme; desuscribirse; desuscríbeme; no más promociones; no más mensajes; "
        "no más publicidad; "
        "no quiero publicidad; no quiero más publicidad; no quiero más mensajes; no quiero más promociones; no quiero promociones; "
        "no quiero recibir mensajes; no quiero recibir más mensajes; no quiero recibir publicidad; "
        "no enviar más; no envíen más; "
        "no me envíen más; no me envíen más mensajes; no me escriban más; no me manden más mensajes; "
        "no recibir promociones; "
        "dejar de recibir; dejar de recibir mensajes; dejen de enviar; deja de enviar; "
        "deja de enviarme mensajes; sin publicidad; "
        "quítenme de la lista; sáquenme de la lista; elimínenme de la lista; bórrenme de la lista"
    ),
    "sw": (
        "acha kutuma; acha kutuma ujumbe; acheni kutuma; jiondoe; niondoe; nitoe kwenye orodha; sitaki ujumbe; "
        "komesha ujumbe"
    ),
    "sv": (
        "stopp; avregistrera; avregistrera mig; avprenumerera; avsluta prenumeration; "
        "avsluta prenumerationen; sluta skicka; "
        "inga fler meddelanden; ingen reklam; ingen mer reklam"
    ),
    "ta": ("நிறுத்து; நிறுத்துக; நிறுத்தவும்; நிறுத்துங்கள்; செய்திகளை நிறுத்து; செய்திகளை நிறுத்தவும்; சந்தாவை ரத்து செய்"),
    "te": "ఆపు; ఆపండి; ఆపివేయండి; నిలిపివేయండి; సందేశాలు ఆపండి; మెసేజ్ లు ఆపండి; సభ్యత్వం రద్దు చేయండి",
    "th": (
        "หยุดส่ง; หยุดส่งข้อความ; หยุดรับข้อความ; ยกเลิกการสมัคร; ยกเลิกการรับข่าวสาร; ยกเลิกการติดตาม; "
        "เลิกติดตาม; ไม่ต้องส่งมาอีก; ไม่รับข้อความ"
    ),
    "tr": (
        "ret; durdur; iptal et; abonelikten çık; abonelikten çıkmak istiyorum; abonelikten ayrıl; aboneliği iptal et; "
        "mesaj istemiyorum; mesaj göndermeyin; artık mesaj göndermeyin; reklam istemiyorum; "
        "beni listeden çıkarın; üyelikten çık"
    ),
    "uk": (
        "стоп; відписатися; відпишіть мене; відписка; скасувати підписку; припиніть розсилку; "
        "більше не пишіть; не пишіть мені; "
        "не надсилайте; без реклами"
    ),
    "ur": (
        "بند کریں; بند کرو; روکیں; روک دیں; ان سبسکرائب; سبسکرپشن ختم کریں; پیغامات بند کریں; میسج بند کریں; "
        "میسج نہ بھیجیں"
    ),
    "uz": (
        "to'xtat; to'xtating; to'xtatish; obunani bekor qilish; obunani bekor qiling; xabar yubormang; "
        "тўхтатинг; тўхтатиш"
    ),
    "vi": (
        "hủy đăng ký; huỷ đăng ký; hủy theo dõi; từ chối nhận tin; ngừng nhận tin; ngừng gửi tin; "
        "dừng gửi tin; dừng nhận tin; "
        "không nhận tin nữa; đừng gửi nữa; đừng gửi tin nữa"
    ),
    "zu": "yeka ukuthumela; musa ukuthumela imilayezo; ngikhiphe ohlwini; ngisuse ohlwini; angifuni imilayezo",
}

STOP_TYPED: Mapping[str, str] = {
    "af": "staak",
    "ar": "قف; إلغاء; الغاء; وقف; كفى",
    "ca": "atura; atureu; baixa; prou",
    "zh_CN": "别发了",
    "en": "quit; end; cancel",
    "et": "lõpeta; peata",
    "fi": "lopeta",
    "fil": "tama na",
    "fr": "arrêt; arrêter; arrêtez; stopper",
    "de": "aufhören; beenden",
    "el": "διακοπή; σταμάτα",
    "fa": "لغو",
    "he": "עצור; הפסק; הפסיקו; די; מספיק",
    "hi": "बंद; रुको",
    "hr": "zaustavi; prestani",
    "it": "ferma; fermare; fermati; annulla; basta; smettila; smettetela",
    "ja": "解除; 退会; やめて; やめてください; 止めて",
    "ko": "그만; 정지; 해지",
    "lv": "apturēt; pārtraukt",
    "lt": "sustabdyti; stabdyti; atsisakau",
    "mk": "запри; сопри",
    "nl": "stoppen; opzeggen",
    "nb": "avslutt",
    "pl": "rezygnacja; przestań; przestańcie",
    "pt_BR": "parar; pare; parem; sair; remover; cancelar; chega",
    "ro": "oprește; opriți",
    "ru": "хватит; прекратите; прекратить",
    "sl": "ustavi; nehaj",
    "es": "alto; parar; pare; paren; parad; detener; cancelar; basta; basta ya",
    "sv": "avsluta",
    "th": "หยุด; ยกเลิก",
    "tr": "dur; iptal",
    "uk": "припиніть; припинити; досить",
    "vi": "dừng; dừng lại; ngừng; ngưng; từ chối",
    "zu": "yeka",
}
