import random
import string

import pytest

from scratchlm.corpus.cleaning.credentials import find_credentials

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def drawn(n, alphabet=LETTERS, seed=0):
    return "".join(random.Random(seed).choices(alphabet, k=n))


def found(text):
    return [text[span.begin : span.end] for span in find_credentials(text)]


# Prefixes are split so that no scanner takes this file for a leak.
KEYS = {
    "aws": "AK" + "IA" + drawn(16, string.ascii_uppercase + "234567"),
    "github": "gh" + "p_" + drawn(36),
    "github fine": "github" + "_pat_" + drawn(22) + "_" + drawn(59),
    "gitlab": "gl" + "pat-" + drawn(20),
    "slack": "xo" + "xb-123456789012-" + drawn(24),
    "stripe": "sk" + "_live_" + drawn(24),
    "google": "AI" + "za" + drawn(35),
    "hugging face": "h" + "f_" + drawn(34, string.ascii_letters),
    "npm": "np" + "m_" + drawn(36),
    "sendgrid": "S" + "G." + drawn(22) + "." + drawn(43),
    "jwt": "ey" + "J" + drawn(20) + ".ey" + "J" + drawn(30) + "." + drawn(43),
    "telegram": "123456789:" + "AA" + drawn(33),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_found_to_its_boundaries(key):
    for before, after in [("", ""), ("key = '", "'"), ("(", "),"), ("\n", "\n")]:
        assert found(before + key + after) == [key]


@pytest.mark.parametrize("name", ["aws", "github", "hugging face", "npm"])
def test_part_of_a_longer_word_is_no_key(name):
    key = KEYS[name]
    assert found("X" + key) == [] and found("_" + key) == []
    assert found(key[:-1]) == []
    assert name == "github" or found(key + "X") == []


@pytest.mark.parametrize("n", [32, 40, 56, 64, 128])
def test_hashes_are_no_keys(n):
    digest = drawn(n, HEX)
    for text in (digest, f"sha256:{digest}", f"commit {digest}\n", f"#{digest}"):
        assert found(text) == []


def pem(kind, n_lines=8):
    lines = "\n".join(drawn(64, seed=i) for i in range(n_lines))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


@pytest.mark.parametrize(
    "kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"]
)
def test_a_private_key_goes_with_its_frame(kind):
    block = pem(kind)
    assert found(f"a\n{block}\nb") == [block]
    escaped = block.replace("\n", "\\n")
    assert found(f'"{escaped}"') == [escaped]


def test_a_private_key_that_is_cut_off_goes_as_far_as_it_reaches():
    block = pem("PRIVATE KEY").rpartition("\n")[0]
    assert found(block + "\n\nprose again.") == [block]


def test_two_private_keys_are_two():
    assert len(found(pem("PRIVATE KEY") + "\n" + pem("EC PRIVATE KEY"))) == 2


def test_public_keys_certificates_and_talk_of_keys_stay():
    for kind in ("PUBLIC KEY", "CERTIFICATE"):
        assert found(pem(kind)) == []
    talk = "from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY----- it is secret"
    assert found(talk) == []
    assert found("-----BEGIN PRIVATE KEY-----" * 2000) == []


def test_a_password_in_a_url_is_found_alone():
    assert found("postgres://bob:hunter2x@db.host/x") == ["hunter2x"]
    assert found("redis://:p4ssw@rd") == ["p4ssw"]


@pytest.mark.parametrize(
    "text",
    [
        "http://user:password@host/",
        "https://${USER}:${PASS}@host",
        "http://host:8080/a@b",
        "http://bob@host",
        "ftp://name:<SECRET>@host",
        "://",
    ],
)
def test_a_url_without_a_secret_stays(text):
    assert found(text) == []
