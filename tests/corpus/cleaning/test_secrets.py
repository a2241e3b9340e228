import random

from scratchlm.corpus.cleaning.config import SecretsConfig
from scratchlm.corpus.cleaning.secrets import SecretsRule
from scratchlm.corpus.document import Document

KEY = "AK" + "IA" + "QWERTYUIOPASDFGH"
LINE = "api_key = 'k3J9dT2mQ8xW5vZ1'\n"
PARTS = [
    KEY,
    LINE,
    "https://joe:s3cr3tx@host/",
    "'",
    "-",
    "_",
    " ",
    "x",
    "\n",
    "token=",
]


def masked(name, text, **settings):
    rule = SecretsRule(SecretsConfig(mask=True, **settings))
    return rule.apply([Document(name, text, "s")])[0]


def test_keys_are_masked_everywhere_and_counted():
    for name in ("a.py", "a.txt"):
        verdict = masked(name, f"use {KEY} now")
        assert verdict.text == "use <SECRET> now"
        assert verdict.metadata["masked"] == {"secret": 1}


def test_assignments_are_masked_in_code_only_and_on_request():
    assert masked("a.py", LINE).text == "api_key = '<SECRET>'\n"
    assert masked("a.txt", LINE).text == LINE
    assert masked("a.py", LINE, assignments=False).text == LINE


def test_masking_twice_is_masking_once_however_parts_are_joined():
    draw = random.Random(0)
    for _ in range(500):
        once = masked("a.py", "".join(draw.choices(PARTS, k=8)))
        assert masked("a.py", once.text).text == once.text


def test_the_canary_changes():
    for assignments in (False, True):
        rule = SecretsRule(SecretsConfig(mask=True, assignments=assignments))
        assert rule.apply([rule.canary])[0].text == "key <SECRET>\n"
