"""The rule `language`: which language a document is in, and whether it may stay.

Letters tell where a script has one language, py3langid's model elsewhere, and small
words where that model does not know or confuses relatives. The verdict on a document
depends on its own text alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchlm.corpus.cleaning.code import is_code
from scratchlm.corpus.cleaning.config import LanguageConfig
from scratchlm.corpus.cleaning.language_model import load_language_model
from scratchlm.corpus.cleaning.language_sample import sample_pieces
from scratchlm.corpus.cleaning.relatives import tell_apart
from scratchlm.corpus.cleaning.scripts import languages_by_script
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped, Verdict

UNKNOWN = "und"
BY_SCRIPT = 0.999  # share of sentences told by their letters that are right
BY_WORDS = 0.96  # the same for those that small words took from the model's label
# Probability that the model gives -> share of sentences that are right, on 66,723
# sentences in 75 languages, none of them among those that the benchmark asks.
_MODEL_SAYS = (0.0, 0.07, 0.15, 0.25, 0.42, 0.6, 0.78, 0.908, 0.975, 0.996, 1.0)
_IS_RIGHT = (0.1, 0.22, 0.36, 0.47, 0.6, 0.71, 0.88, 0.966, 0.994, 0.997, 0.9995)
_MACRO = {"no": ("nb", "nn")}


@dataclass(frozen=True, slots=True)
class Language:
    """ISO 639-1 where there is one, else 639-3; `und` for nothing to go by, `zxx`
    for what is no language. `score`: of 100 texts with .9 about 90 are right.
    """

    code: str
    score: float


def identify_languages(
    texts: Sequence[str], sample_bytes: int = 1024
) -> list[Language]:
    """The language of each text, from at most `sample_bytes` of it (UTF-8)."""
    samples = [sample_pieces(text, sample_bytes) for text in texts]
    by_script = languages_by_script(samples)
    found = [Language(code or UNKNOWN, BY_SCRIPT) for code in by_script]
    rest = [i for i, code in enumerate(by_script) if code is None]
    for i, language in zip(rest, _ask_model([samples[i] for i in rest]), strict=True):
        found[i] = language
    return found


def _ask_model(samples: Sequence[Sequence[bytes]]) -> list[Language]:
    if not samples:
        return []
    model = load_language_model()
    rows = model.probabilities(samples)
    best = rows.argmax(axis=1)
    highest = rows[np.arange(len(rows)), best]
    scores = np.interp(highest, _MODEL_SAYS, _IS_RIGHT)
    return [
        _decide(model.codes[code], float(score), sample)
        if probability > 0
        else Language(UNKNOWN, 0.0)
        for code, probability, score, sample in zip(
            best, highest, scores, samples, strict=True
        )
    ]


def _decide(code: str, score: float, sample: Sequence[bytes]) -> Language:
    told = tell_apart(code, sample)
    return Language(told, BY_WORDS if told != code else round(score, 4))


class LanguageRule:
    """Write each document's language down; drop what is not on the list."""

    name = "language"

    def __init__(self, config: LanguageConfig) -> None:
        self.config = config
        self._allowed = {
            code for name in config.allow for code in (name, *_MACRO.get(name, ()))
        }

    @property
    def canary(self) -> Document:
        """Sentences whose language is not on the list, or gets written down."""
        text, other = "Ένα δύο τρία τέσσερα πέντε έξι.\n", "ერთი ორი სამი ოთხი ხუთი.\n"
        return Document("canary", other if "el" in self._allowed else text, "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """Documents with `language` and `language_score`; code passes as it is."""
        verdicts: list[Verdict] = list(documents)
        asked = []
        for i, document in enumerate(documents):
            if is_code(document):
                continue
            declared = document.metadata.get("language")
            if self.config.trust_declared and isinstance(declared, str) and declared:
                code = re.split("[-_]", declared.lower())[0]  # en-US, pt_BR
                verdicts[i] = self._judge(document, Language(code, 1.0), {})
            else:
                asked.append(i)
        texts = [documents[i].text for i in asked]
        found = identify_languages(texts, self.config.sample_bytes)
        for i, language in zip(asked, found, strict=True):
            facts = {"language": language.code, "language_score": language.score}
            verdicts[i] = self._judge(documents[i], language, facts)
        return verdicts

    def _judge(
        self, document: Document, language: Language, facts: dict[str, Any]
    ) -> Verdict:
        detail = f"{language.code} {language.score:.2f}"
        if self._allowed and language.code not in self._allowed:
            return Dropped("language not on the list", detail)
        if language.score < self.config.min_score:
            return Dropped("language uncertain", detail)
        if not facts:
            return document
        metadata = {**document.metadata, **facts}
        return Document(document.id, document.text, document.source, metadata)
