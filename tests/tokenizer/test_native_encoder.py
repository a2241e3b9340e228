"""Laws of the C core: the same ids as the specification, whatever it is given."""

import gc
import os
import pickle
import random
import threading
import weakref
from itertools import pairwise

import numpy as np
import pytest

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.pattern import PATTERN_CODES

pytestmark = pytest.mark.skipif(native.core is None, reason=native.why)


@pytest.fixture(scope="module", params=PATTERN_CODES)
def trio(request, texts):
    """The same vocabulary in three implementations."""
    config = TokenizerConfig(vocab_size=1500, pattern=request.param)
    merges = train_tokenizer(config, texts).merges
    backends = ("native", "python", "specification")
    return [Tokenizer.own(merges, request.param, backend=name) for name in backends]


def test_three_implementations_give_the_same_ids(trio, fuzz, texts):
    fast, cached, specified = trio
    assert [t.backend for t in trio] == ["native", "python", "specification"]
    for text in ["", *fuzz(1500, 11), texts[0][:5000]]:
        ids = specified.encode(text)
        assert fast.encode(text) == ids == cached.encode(text), repr(text)
        assert fast.count(text) == len(ids) == specified.count(text)
        assert fast.decode_bytes(ids) == text.encode() == specified.decode_bytes(ids)


def test_any_bytes_go_in_and_come_back(trio):
    fast, cached, specified = trio
    draw = random.Random(12)
    parts = [b"\xff", b"\xc3", b"\xa9", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98"]
    parts += [b"\xc0\x80", b"\xf5", b"a", b" the", b"\n", b"'s", b"1", "é".encode()]
    for _ in range(1500):
        data = b"".join(draw.choices(parts, k=draw.randrange(0, 20)))
        ids = specified.encode_bytes(data)
        assert fast.encode_bytes(data) == ids == cached.encode_bytes(data), data
        assert fast.decode_bytes(ids) == data


def test_pieces_of_every_length_round_the_cache_are_right_twice(trio):
    fast, _, specified = trio
    for letters in ("a", "ab", "né"):
        for length in [*range(1, 40), 63, 64, 65, 66, 127, 1000]:
            text = "".join(random.Random(length).choices(letters, k=length))
            expected = specified.encode(text)
            assert fast.encode(text) == expected
            assert fast.encode(text) == expected
            assert fast.encode("x " + text + " y")[1:-1] != []


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_and_threads_change_nothing(trio, texts, fuzz, threads):
    fast, _, _ = trio
    batch = [*fuzz(50, 13), "", texts[0] * 9, "x"]  # one text of several stretches
    expected = [fast.encode(text) for text in batch]
    assert fast.encode_batch(batch, threads) == expected
    ids, offsets = fast.encode_batch_to_numpy(batch, threads)
    assert ids.dtype == np.uint16
    assert ids.flags.writeable
    cut = [ids[a:b].tolist() for a, b in pairwise(offsets)]
    assert cut == expected
    assert fast.encode_batch([], threads) == []
    assert fast.encode_batch_to_numpy([], threads)[1].tolist() == [0]


def test_threads_of_python_share_one_tokenizer(trio, texts):
    fast, _, _ = trio
    long, short = texts[0] * 3, texts[0][:500]
    expected = [fast.encode(long), fast.encode(short)]
    wrong = []

    def work():
        for _ in range(5):
            if [fast.encode(long), fast.encode(short)] != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_encodes_on(trio, texts):
    fast, _, _ = trio
    expected = fast.encode_batch([texts[0]] * 4, 2)
    child = os.fork()
    if child == 0:
        os._exit(fast.encode_batch([texts[0]] * 4, 2) != expected)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_rank_file_encodes_by_whole_pieces_and_leftmost_ties(trio, fuzz):
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [b"aa", b"aaa", b"ab", b"abab", b" the", b"th", b"he", b"\xc3\xa9"]
    model = BPE.from_ranks({token: i for i, token in enumerate(tokens)}, "cl100k")
    fast = Tokenizer(model, {}, 300, backend="native")
    slow = Tokenizer(model, {}, 300, backend="specification")
    for text in ["aaaa", "aaaaa", "abababab", " the", *fuzz(500, 14)]:
        assert fast.encode(text) == slow.encode(text)


def test_ids_of_a_foreign_vocabulary_may_lie_anywhere(texts):
    merges = train_tokenizer(TokenizerConfig(vocab_size=700), texts).merges
    own = BPE.own(merges)
    draw = random.Random(15)
    ids = dict(zip(own.tokens, draw.sample(range(5000), len(own.tokens)), strict=True))
    halves = [(own.tokens[left], own.tokens[right]) for left, right in merges]
    model = BPE.from_merges(ids, halves, "llama3")
    renamed = [ids[own.tokens[i]] for i in Tokenizer.own(merges).encode(texts[0])]
    for backend in ("native", "python"):
        tokenizer = Tokenizer(model, {"<|x|>": 6000}, 6001, backend=backend)
        assert tokenizer.encode(texts[0]) == renamed
        assert tokenizer.decode(renamed) == texts[0]
        assert tokenizer.decode([6000]) == ""


def test_ids_outside_the_vocabulary_are_refused_by_every_implementation(trio):
    for tokenizer in trio:
        for wrong in (-1, tokenizer.vocab_size, 1 << 40):
            with pytest.raises(UserError, match="do not all belong"):
                tokenizer.decode([65, wrong])


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32, np.int64])
def test_arrays_of_any_integers_decode_as_lists_do(trio, texts, dtype):
    fast, _, _ = trio
    ids = np.array(fast.encode(texts[0]), dtype)
    assert fast.decode(ids) == texts[0]
    assert fast.decode(ids[::-1]) == fast.decode(ids[::-1].tolist())
    assert fast.decode(tuple(ids[:50].tolist())) == fast.decode(ids[:50])


def test_an_array_that_holds_no_ids_is_refused(trio):
    for wrong in (np.array([-1]), np.array([1 << 40])):
        with pytest.raises(UserError, match="do not all belong"):
            trio[0].decode(wrong)
    with pytest.raises(ValueError, match="does not fit"):
        trio[0]._encoder.decode(np.array([1.0, 2.0]))


def test_a_plain_call_goes_straight_to_c_and_every_other_takes_the_method(trio):
    fast, cached, _ = trio
    assert type(fast.encode).__name__ == "builtin_function_or_method"
    for text in ("abc", "a\ud800b", "<|pad|>"):
        for special in ((), "all", {"<|pad|>"}):
            expected = cached.encode(text, allowed_special=special)
            assert fast.encode(text, allowed_special=special) == expected
        assert fast.encode(text) == cached.encode(text)
    with pytest.raises(TypeError):
        fast.encode("a", "b")
    with pytest.raises(TypeError):
        fast.encode()


def test_a_tokenizer_is_pickled_and_let_go(trio, texts):
    fast, _, _ = trio
    again = pickle.loads(pickle.dumps(fast))
    assert again.encode(texts[0]) == fast.encode(texts[0])
    gone = weakref.ref(again)
    del again
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("wrong", [None, 5, ["a"]])
def test_what_is_no_text_is_a_type_error(trio, wrong):
    with pytest.raises(TypeError):
        trio[0].encode_bytes(wrong)


def test_a_vocabulary_that_does_not_fit_together_is_refused():
    make = native.core.Encoder
    table, none = bytes(0x110000), np.zeros(0, np.int32)
    offsets = np.arange(257, dtype=np.int64)
    good = [0, table, False, False, 300, bytes(256), offsets, bytes(256)]
    good += [np.arange(256, dtype=np.int32), none, none, none]
    make(*good)
    for at, bad in [(0, 6), (1, b""), (4, 255), (6, offsets[:-1]), (6, offsets[::-1])]:
        given = [*good]
        given[at] = np.ascontiguousarray(bad) if at == 6 else bad
        with pytest.raises(ValueError, match=r"."):
            make(*given)
    far = np.array([0, 99_999], np.int32)
    with pytest.raises(ValueError, match="does not fit"):
        make(*good[:9], far, np.zeros(1, np.int32), np.zeros(1, np.int32))


def test_without_the_core_it_says_so_and_python_takes_over(monkeypatch):
    monkeypatch.setattr(native, "core", None)
    monkeypatch.setattr(native, "why", "it was not built")
    assert Tokenizer.own().backend == "python"
    with pytest.raises(UserError, match="not built"):
        Tokenizer.own(backend="native")
