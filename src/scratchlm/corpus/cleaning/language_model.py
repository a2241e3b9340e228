"""The language model of py3langid, run on many documents at once.

py3langid (Adrien Barbaresi, after Marco Lui) scores a text by the byte sequences that
an automaton finds in it: naive Bayes over log(1 + count). It walks one byte at a time
in Python; here all documents of a batch take each step together. Scores are sums of
whole numbers below 2^53 held in float64, which are exact in any order: a document's
score does not depend on the batch it came in, nor on the processor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

TABLE_SCALE = 2**9  # the model's float16 weights are whole multiples of 1 / 512
COUNT_SCALE = 2**12
MOST_TOGETHER = 256  # documents that take their steps together

# The model's labels that a two-letter code covers: Bokmål, and single languages of a
# macrolanguage (ISO 639-3). The rest are ISO 639-1, or ISO 639-3 where it has none.
CODES = {
    "no": "nb",
    **{"ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh", "gug": "gn", "kik": "ki"},
    **{"fuv": "ff", "uzs": "uz", "sdh": "ku", "ltg": "lv"},
}
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class LanguageModel:
    """The automaton and the weights. `codes` are the languages, in order.

    `next_state` (rows x 256) flat, `row_start` (states,), `feature` (states,) -1 where
    a state ends no sequence, `weights` (features, labels) times `TABLE_SCALE`,
    `prior` (labels,) in units of both scales, `column` (labels,) into `codes`.
    """

    codes: tuple[str, ...]
    next_state: NDArray[np.integer]
    row_start: NDArray[np.int64]
    feature: NDArray[np.int32]
    weights: NDArray[np.int16]
    prior: Scores
    column: NDArray[np.int64]
    log_counts: Scores

    def probabilities(self, samples: Sequence[Sequence[bytes]]) -> Scores:
        """(documents, languages): each row sums to 1, or is 0 where nothing is known.

        A sample is the pieces of one document; as py3langid does, log probabilities
        are divided by the square root of the length in bytes before they are
        normalised, since neighbouring sequences are no independent witnesses.
        """
        rows = [
            self._chunk(samples[i : i + MOST_TOGETHER])
            for i in range(0, len(samples), MOST_TOGETHER)
        ]
        return np.concatenate([np.empty((0, len(self.codes))), *rows])

    def _chunk(self, samples: Sequence[Sequence[bytes]]) -> Scores:
        pieces = [piece for sample in samples for piece in sample]
        owner = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
        found_in, found = self._walk(pieces)
        keys, counts = np.unique(
            owner[found_in] * len(self.weights) + found, return_counts=True
        )
        documents, features = np.divmod(keys, len(self.weights))
        ends = np.searchsorted(documents, np.arange(len(samples) + 1))
        scores = np.tile(self.prior, (len(samples), 1))
        for i in np.flatnonzero(np.diff(ends)):
            part = slice(ends[i], ends[i + 1])
            weights = self.weights.take(features[part], axis=0).astype(np.float64)
            scores[i] += self.log_counts[counts[part]] @ weights
        n_bytes = np.array([sum(map(len, sample)) for sample in samples])
        result = self._normalise(scores, n_bytes)
        result[np.diff(ends) == 0] = 0.0
        return result

    def _walk(
        self, pieces: Sequence[bytes]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each sequence found: the number of its piece, and its own."""
        lengths = np.array([len(piece) for piece in pieces], np.int64)
        order = np.argsort(-lengths, kind="stable")
        steps = int(lengths.max(initial=0))
        letters = np.zeros((len(pieces), steps), np.uint8)
        for row, piece in enumerate(order):
            letters[row, : lengths[piece]] = np.frombuffer(pieces[piece], np.uint8)
        letters = np.ascontiguousarray(letters.T)
        # How many pieces are longer than t: the others have ended.
        active = np.searchsorted(-lengths[order], -np.arange(steps), side="left")
        states = np.zeros(len(pieces), np.int64)
        seen_in, seen = [], []
        for t in range(steps):
            n = active[t]
            states = self.next_state[self.row_start[states[:n]] + letters[t, :n]]
            features = self.feature[states]
            hits = np.flatnonzero(features >= 0)
            seen_in.append(hits)
            seen.append(features[hits])
        empty = np.empty(0, np.int64)
        return order[np.concatenate([empty, *seen_in])], np.concatenate([empty, *seen])

    def _normalise(self, scores: Scores, n_bytes: NDArray[np.int64]) -> Scores:
        """(documents, languages) probabilities of exact (documents, labels) scores."""
        unit = TABLE_SCALE * COUNT_SCALE * np.sqrt(np.maximum(n_bytes, 1))
        share = np.exp((scores - scores.max(axis=1, keepdims=True)) / unit[:, None])
        share /= share.sum(axis=1, keepdims=True)
        result = np.zeros((len(scores), len(self.codes)))
        for label, code in enumerate(self.column):
            result[:, code] += share[:, label]
        return result


@cache
def load_language_model() -> LanguageModel:
    """Read the model out of py3langid's wheel, once a process (about a second)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    names = [CODES.get(label, label) for label in model.nb_classes]
    codes = tuple(dict.fromkeys(names))
    weights = np.asarray(model.nb_ptc, np.float32) * TABLE_SCALE
    exact = np.rint(weights)
    assert (exact == weights).all() and np.abs(exact).max() < 2**15
    log_counts = np.rint(np.log1p(np.arange(2**16)) * COUNT_SCALE)
    prior = np.rint(np.asarray(model.nb_pc, np.float64) * TABLE_SCALE * COUNT_SCALE)
    return LanguageModel(
        codes=codes,
        next_state=np.asarray(model.tk_nextmove),
        row_start=np.asarray(model.tk_row, np.int64) << 8,
        feature=np.asarray(model.tk_output, np.int32),
        weights=exact.astype(np.int16),
        prior=prior,
        column=np.array([codes.index(name) for name in names]),
        log_counts=log_counts,
    )
