"""Language identification against langdetect: time on the same texts, accuracy on texts of 20 words and more.

Speed: processor time over the 540 published IFEval responses, one seeded langdetect call each. Accuracy: sentences
of known language, from the prompts' own constraint (`language:response_language`, IFEval) and from
`TEXTS`, written for this benchmark. The answer of langdetect is its majority over five seeds.
"""

# ruff: noqa: E501
from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

from verif.core import language

DATA = (
    Path(os.environ.get("VERIF_REFERENCE_DATA") or Path(__file__).parents[2] / "shared" / "data") / "ifeval"
)
SEEDS = 5
REPEATS = 3

# Texts of at least 20 words, written for this benchmark.
TEXTS = (
    ("en", "The harbour was quiet in the early morning, and only a few fishermen were walking along the wet stones with their nets."),
    ("de", "Der Hafen war am frühen Morgen still, und nur wenige Fischer gingen mit ihren Netzen über die nassen Steine nach Hause zurück."),
    ("fr", "Le port était calme au petit matin, et seuls quelques pêcheurs marchaient avec leurs filets sur les pierres mouillées du vieux quai."),
    ("es", "El puerto estaba tranquilo por la mañana temprano, y solo unos pocos pescadores caminaban con sus redes sobre las piedras mojadas."),
    ("it", "Il porto era tranquillo al mattino presto, e solo pochi pescatori camminavano con le loro reti sulle pietre bagnate del molo."),
    ("pt", "O porto estava calmo de manhã cedo, e apenas alguns pescadores caminhavam com as suas redes sobre as pedras molhadas do cais."),
    ("nl", "De haven was stil in de vroege ochtend, en slechts een paar vissers liepen met hun netten over de natte stenen naar huis."),
    ("pl", "Port był cichy wczesnym rankiem, i tylko kilku rybaków szło ze swoimi sieciami po mokrych kamieniach, rozmawiając o pogodzie i rodzinie w domu."),
    ("fi", "Satama oli hiljainen varhain aamulla, ja vain muutama kalastaja käveli verkkojensa kanssa märkien kivien yli kohti kotia, jossa lapset vielä nukkuivat rauhassa."),
    ("sv", "Hamnen var tyst tidigt på morgonen, och bara några få fiskare gick med sina nät över de våta stenarna på väg hem."),
    ("ru", "Гавань была тихой ранним утром, и только несколько рыбаков шли со своими сетями по мокрым камням домой, разговаривая о погоде и семье."),
    ("uk", "Гавань була тихою рано вранці, і лише кілька рибалок йшли зі своїми сітками по мокрому камінню додому, розмовляючи про погоду та родину."),
    ("bg", "Пристанището беше тихо рано сутринта и само няколко рибари вървяха със своите мрежи по мокрите камъни към къщи, като говореха за времето."),
    ("vi", "Bến cảng yên tĩnh vào sáng sớm, và chỉ có một vài ngư dân đi bộ với lưới của họ trên những tảng đá ướt về nhà."),
    ("sw", "Bandari ilikuwa kimya asubuhi na mapema, na wavuvi wachache tu walikuwa wakitembea na nyavu zao juu ya mawe yenye maji kuelekea nyumbani kwao."),
    ("tr", "Liman sabahın erken saatlerinde sessizdi ve sadece birkaç balıkçı ağlarıyla birlikte ıslak taşların üzerinden evlerine doğru yürüyor, hava ve aile hakkında konuşuyordu."),
    ("hi", "बंदरगाह सुबह जल्दी शांत था और केवल कुछ मछुआरे अपने जाल के साथ गीले पत्थरों पर चलते हुए घर की ओर जा रहे थे।"),
    ("ar", "كان الميناء هادئا في الصباح الباكر ولم يكن هناك سوى عدد قليل من الصيادين يسيرون مع شباكهم فوق الحجارة المبللة عائدين إلى بيوتهم."),
    ("el", "Το λιμάνι ήταν ήσυχο νωρίς το πρωί και μόνο λίγοι ψαράδες περπατούσαν με τα δίχτυα τους πάνω στις βρεγμένες πέτρες προς το σπίτι."),
    ("ro", "Portul era liniștit dimineața devreme și doar câțiva pescari mergeau cu plasele lor peste pietrele ude spre casă, vorbind despre vreme și familie."),
)  # fmt: skip


class Langdetect:
    """langdetect with a seed."""

    def __init__(self) -> None:
        from langdetect import detector_factory
        from langdetect.lang_detect_exception import LangDetectException

        detector_factory.init_factory()
        self.factory, self.nothing = detector_factory._factory, LangDetectException

    def __call__(self, text: str, seed: int = 0) -> str | None:
        """The answer for a text; None where langdetect raises."""
        detector = self.factory.create()
        detector.seed = seed
        detector.append(text)
        try:
            answer: str = detector.detect()
        except self.nothing:
            return None
        return answer


def known_language() -> list[tuple[str, str]]:
    """(language, text of 20 words and more): responses that were asked to be in a language, and `TEXTS`."""
    asked = []
    inputs = {
        row["prompt"]: row for row in map(json.loads, (DATA / "input_data.jsonl").open(encoding="utf-8"))
    }
    for row in map(json.loads, (DATA / "eval_results_strict.jsonl").open(encoding="utf-8")):
        source = inputs[row["prompt"]]
        for name, kwargs in zip(source["instruction_id_list"], source["kwargs"], strict=True):
            if name == "language:response_language" and len(row["response"].split()) >= 20:
                asked.append((kwargs["language"], row["response"]))
    return asked + [(code, text) for code, text in TEXTS if len(text.split()) >= 20]


def measure() -> dict[str, float]:
    theirs = Langdetect()
    texts = [
        json.loads(line)["response"] for line in (DATA / "eval_results_strict.jsonl").open(encoding="utf-8")
    ]
    language.detect(texts[0])
    ours_s, theirs_s = [], []
    for _ in range(REPEATS):
        began = time.process_time()
        for text in texts:
            language.detect(text)
        middle = time.process_time()
        for text in texts:
            theirs(text)
        ours_s.append(middle - began)
        theirs_s.append(time.process_time() - middle)
    ratio = sorted(b / a for a, b in zip(ours_s, theirs_s, strict=True))[REPEATS // 2]
    per = [1000 * sorted(s)[REPEATS // 2] / len(texts) for s in (ours_s, theirs_s)]
    print(
        f"langid: {len(texts)} responses: verif {per[0]:.3f} ms, langdetect {per[1]:.3f} ms per text, ratio {ratio:.1f}"
    )
    known = known_language()
    right = sum(language.detect(text) == code for code, text in known)
    votes = (Counter(theirs(text, seed) for seed in range(SEEDS)).most_common(1)[0][0] for _, text in known)
    their_right = sum(vote == code for (code, _), vote in zip(known, votes, strict=True))
    print(
        f"langid: {len(known)} texts of 20 words and more: verif {right} right, langdetect {their_right} right"
    )
    if right < their_right:
        raise SystemExit("langid: less accurate than langdetect")
    answers = [{theirs(text, seed) for seed in range(SEEDS)} for text in texts]
    stable = [
        (text, languages.copy().pop())
        for text, languages in zip(texts, answers, strict=True)
        if len(languages) == 1
    ]
    differ = sum(language.detect(text) != answer for text, answer in stable)
    print(
        f"langid: langdetect stable over {SEEDS} seeds on {len(stable)} of {len(texts)} responses; verif differs on {differ}"
    )
    return {"langid_vs_langdetect": ratio}


if __name__ == "__main__":
    print(json.dumps(measure()))
