import pytest

from scratchlm.corpus.cleaning.relatives import GROUPS, tell_apart

SENTENCES = [
    (
        "nso",
        "tn",
        "Mme batho botlhe ba tlaa itse gore ke jaana fa ba tsaya ditiro tsotlhe.",
    ),
    ("st", "tn", "Ke gone go re, ga go na sepe fa gare ga gagwe jaaka ntlha."),
    ("st", "st", "Empa hobane ho ne ho se na batho, ba ile hae haholo."),
    ("nso", "nso", "Eupša bjalo ka ge ba boletše, goba tšona di tla tšwa kudu."),
    (
        "xh",
        "ts",
        "Leswi swi vula leswaku hina hi fanele ku ya eka vona, loko ndzi lava.",
    ),
    ("sn", "sn", "Vanhu vose vanoberekwa vakasununguka uye vakaenzana."),
    ("ki", "mi", "He aha te mea nui o te ao? He tangata, he tangata, he tangata."),
    ("ki", "ki", "Andu othe maciaragwo mari na wiyathi na magegegaga."),
    ("bs", "hr", "Utakmica je odigrana u rujnu na sveučilištu, tijekom tjedna."),
    ("hr", "bs", "Utakmica je odigrana u septembru, tokom sedmice u januaru."),
    ("mk", "sr", "Они су били у граду који је леп, и нису знали шта ће."),
    ("mk", "mk", "Тие не беа во градот кој е убав, и сум бил со нив."),
    ("en", "en", "Te in a sentence of other words does not count."),
]


@pytest.mark.parametrize(("model_says", "right", "text"), SENTENCES)
def test_small_words_tell_relatives_apart(model_says, right, text):
    assert tell_apart(model_says, [text.encode()]) == right


def test_a_text_without_small_words_keeps_its_label():
    for group in GROUPS:
        for label in group.labels:
            assert tell_apart(label, [b"12345 xyzzy qwrtz"]) == label
            assert tell_apart(label, []) == label
