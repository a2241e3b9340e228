import random
import string

import pytest

from scratchlm.corpus.cleaning.assignments import (
    entropy_bits,
    find_assigned_secrets,
    looks_random,
)

LETTERS = string.ascii_letters + string.digits


def drawn(n, alphabet=LETTERS, seed=0):
    return "".join(random.Random(seed).choices(alphabet, k=n))


def found(text):
    return [text[span.begin : span.end] for span in find_assigned_secrets(text)]


VALUE = drawn(32)


@pytest.mark.parametrize(
    "line",
    [
        "api_key = '{}'",
        'API_KEY="{}"',
        "export API_KEY={}\n",
        '{{"client_secret": "{}"}}',
        "password: {}\n",
        "config['auth_token'] = '{}'",
        "token = b'{}'",
        "'secret' => '{}',",
        "accessKey := `{}`",
    ],
)
def test_a_random_value_with_a_telling_name_is_found_alone(line):
    assert found(line.format(VALUE)) == [VALUE]


@pytest.mark.parametrize("n", [32, 40, 64])
def test_a_hash_under_a_hashs_name_is_left_and_under_a_secrets_is_not(n):
    digest = drawn(n, "0123456789abcdef")
    assert found(f"sha256 = '{digest}'") == []
    assert found(f"token_hash = '{digest}'") == []
    assert found(f"'{digest}'") == [] and found(f"commit = '{digest}'") == []
    assert found(f"secret = '{digest}'") == [digest]


@pytest.mark.parametrize(
    "line",
    [
        "api_key = 'your_api_key_here_12345'",
        "password = 'changeme1234567'",
        "password = 'correct-horse-battery-staple'",
        "token = os.environ['TOKEN1']",
        "token = 'aaaaaaaaaaaaaaaaaaaaaaaaa1'",
        "secret = get_secret_from_vault_v2()",
        "secret_name = 'prod/db-main/9f8A7s6D5f4G3h2J'",
        "token_url = 'auth.host/oauth2/v1/token'",
        "auth = 'django.contrib.auth.backends.ModelBackend2'",
        "password = '<SECRET>'",
        "token = 'short1'",
        "tokens = 12345678901234567890",
        "# ================ secret ================",
    ],
)
def test_stand_ins_names_and_paths_are_left(line):
    assert found(line) == []


def test_a_value_without_a_name_or_with_any_other_is_left():
    assert found(f"= '{VALUE}'") == [] and found(f"image = '{VALUE}'") == []
    assert found(f"integrity: {VALUE}") == []


def test_entropy_is_that_of_the_frequencies():
    assert entropy_bits("aaaa") == 0
    assert entropy_bits("abab") == pytest.approx(1)
    assert entropy_bits("abcdefgh") == pytest.approx(3)


def test_words_do_not_look_random_and_random_letters_do():
    words = ["SomeCamelCaseName2", "kebab-case-name-12", "CONSTANT_NAME_2024"]
    assert not any(map(looks_random, words))
    assert all(looks_random(drawn(24, seed=seed)) for seed in range(50))


def test_rows_of_signs_cost_little():
    assert found("=" * 100_000) == [] and found("=a1" * 50_000) == []
