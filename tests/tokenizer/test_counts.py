"""Laws of counting pieces."""

import threading
from collections import Counter

import pytest

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.tokenizer import WordCounts
from scratchlm.tokenizer.pattern import PATTERN_CODES
from scratchlm.tokenizer.scanner import scan_pieces


def specified(texts, pattern, weight=1):
    counts = Counter()
    for text in texts:
        for piece in scan_pieces(pattern, text):
            counts[piece.encode("utf-8", "surrogateescape")] += weight
    return dict(counts)


@pytest.fixture(params=["native", "python"])
def backend(request, monkeypatch):
    """Count in the C core, then without it."""
    if request.param == "python":
        monkeypatch.setattr(native, "core", None)
    elif native.core is None:
        pytest.skip(native.why)
    return request.param


@pytest.mark.parametrize("pattern", PATTERN_CODES)
def test_counts_are_those_of_the_specified_pieces(backend, pattern, texts, fuzz):
    texts = [texts[0][:20_000], *fuzz(200, 3)]
    counts = WordCounts(pattern)
    counts.add_texts(texts)
    assert dict(counts.items()) == specified(texts, pattern)
    assert counts.n_bytes == sum(len(text.encode()) for text in texts)
    assert counts.n_pieces == len(dict(counts.items()))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_any_number_of_threads_counts_the_same(backend, threads, texts):
    text = texts[0] * 4  # two stretches
    counts = WordCounts(threads=threads)
    counts.add(text)
    assert dict(counts.items()) == specified([text], "llama3")


@pytest.mark.parametrize("pattern", PATTERN_CODES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 50,
        b"a \n\nb \n /c\n's\n\xff\xfe\xed\xa0\x80 x" * 60,
        "naïve \U0001f469\u200d\U0001f4bb e\u0301 don'ſ \n".encode() * 60,
        b"word " * 500,
        b"\n" * 300 + b"end",
    ],
    ids=["empty", "zeros", "invalid", "unicode", "one-line", "newlines"],
)
def test_a_file_read_in_blocks_counts_as_a_whole(
    backend, pattern, data, tmp_path, monkeypatch
):
    monkeypatch.setattr("scratchlm.tokenizer.counts._BLOCK_BYTES", 37)
    path = tmp_path / "text"
    path.write_bytes(data)
    counts = WordCounts(pattern)
    counts.add_file(path)
    text = data.decode("utf-8", "surrogateescape")
    assert dict(counts.items()) == specified([text], pattern)
    assert counts.n_bytes == len(data)


def test_a_table_that_outgrows_its_memory_goes_to_disk_and_counts_the_same(
    backend,
):
    small, large = WordCounts(memory_bytes=1 << 20), WordCounts()
    letters = str.maketrans("0123456789", "abcdefghij")
    words = [
        f" {i % 30_000} and {'x' * 20}{i}".translate(letters) for i in range(50_000)
    ]
    for first in range(0, len(words), 10_000):
        for counts in (small, large):
            counts.add_texts(words[first : first + 10_000])
    assert len(small._runs) > 1
    assert list(small.items()) == list(large.items())
    assert small.n_pieces == large.n_pieces


def test_weights_multiply_and_beyond_32_bits_counts_stay_exact(backend):
    counts = WordCounts()
    counts.add("a b", weight=1 << 40)
    counts.add("a", weight=3)
    assert dict(counts.items()) == {b"a": (1 << 40) + 3, b" b": 1 << 40}


def test_a_count_beyond_64_bits_is_an_error_not_a_wrong_number(backend):
    counts = WordCounts()
    counts.add("a", weight=(1 << 63) - 1)
    with pytest.raises((OverflowError, UserError)):
        counts.add("a a", weight=(1 << 63) - 1)
        counts.arrays()


def test_merged_counts_are_the_weighted_sum():
    one, two = WordCounts(), WordCounts()
    one.add("a b b")
    two.add("b c")
    total = WordCounts.merged([(one, 2), (two, 1.5)])
    # " b" stands in the first, "b" begins the second: different pieces
    assert dict(total.items()) == {b"a": 2, b" b": 4, b"b": 2, b" c": 2}
    assert total.n_bytes == one.n_bytes + two.n_bytes


def test_counts_of_two_patterns_cannot_be_added():
    with pytest.raises(UserError, match="gpt2, llama3"):
        WordCounts.merged([(WordCounts("gpt2"), 1), (WordCounts("llama3"), 1)])


def test_a_weight_must_be_positive():
    with pytest.raises(UserError, match="above 0"):
        WordCounts.merged([(WordCounts(), 0)])


def test_saved_counts_take_no_more_text(tmp_path):
    counts = WordCounts()
    counts.add("a b")
    counts.save(tmp_path / "c")
    with pytest.raises(UserError, match="apart"):
        WordCounts.load(tmp_path / "c").add("more")


def test_an_unknown_pattern_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="llama3"):
        WordCounts("llama4")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        WordCounts().add_file(tmp_path / "none")


def test_two_threads_on_one_counter_get_an_error_or_the_right_sum(texts):
    if native.core is None:
        pytest.skip(native.why)
    counts, failures, n_done = WordCounts(threads=2), [], []

    def work():
        for _ in range(30):
            try:
                counts.add(texts[0] * 3)
                n_done.append(1)
            except RuntimeError as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(n_done) + len(failures) == 120
    one = specified([texts[0] * 3], "llama3")
    assert dict(counts.items()) == {p: n * len(n_done) for p, n in one.items()}
