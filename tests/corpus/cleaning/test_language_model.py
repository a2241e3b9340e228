import numpy as np
import pytest

from scratchlm.corpus.cleaning.language_model import CODES, load_language_model

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Der schnelle braune Fuchs springt über den faulen Hund.",
    "Le renard brun saute par-dessus le chien paresseux.",
    "Быстрая коричневая лиса прыгает через ленивую собаку.",
    "Den raske brune reven hopper over den late hunden.",
    "السلام عليكم ورحمة الله وبركاته",
    "O rato roeu a roupa do rei de Roma.",
    "敏捷的棕色狐狸跳过了懒狗",
]


@pytest.fixture(scope="module")
def model():
    return load_language_model()


@pytest.fixture(scope="module")
def peer():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def test_probabilities_are_those_of_py3langid(model, peer):
    rows = model.probabilities([[text.encode()] for text in TEXTS])
    for text, row in zip(TEXTS, rows, strict=True):
        theirs = dict.fromkeys(model.codes, 0.0)
        for label, probability in peer.rank(text):
            theirs[CODES.get(label, label)] += probability
        assert row == pytest.approx([theirs[code] for code in model.codes], abs=2e-3)


def test_each_row_is_a_distribution_over_distinct_codes(model):
    rows = model.probabilities([[text.encode()] for text in TEXTS])
    assert rows.shape == (len(TEXTS), len(set(model.codes)))
    assert np.allclose(rows.sum(axis=1), 1) and (rows >= 0).all()


def test_the_batch_does_not_matter_to_the_last_bit(model):
    samples = [[text.encode() * (1 + i % 5)] for i, text in enumerate(TEXTS * 40)]
    together = model.probabilities(samples)
    backwards = model.probabilities(samples[::-1])[::-1]
    alone = np.concatenate([model.probabilities([sample]) for sample in samples[:20]])
    assert np.array_equal(together, backwards)
    assert np.array_equal(together[:20], alone)


def test_where_nothing_is_found_all_is_zero(model):
    rows = model.probabilities([[], [b""], [TEXTS[0].encode()]])
    assert not rows[:2].any() and rows[2].any()
    assert model.probabilities([]).shape == (0, len(model.codes))
