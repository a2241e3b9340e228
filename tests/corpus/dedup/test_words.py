import numpy as np

from scratchlm.corpus.dedup.words import find_words


def words_of(text: str) -> list[bytes]:
    found = find_words(text.encode())
    return [
        found.folded[begin:end].tobytes()
        for begin, end in zip(found.starts, found.ends, strict=True)
    ]


def test_a_word_is_a_run_of_letters_digits_and_other_characters():
    assert words_of("The cat's 20 naïve_ideas – “Ω”") == [
        *(b"the", b"cat", b"s", b"20"),
        *("naïve".encode(), b"ideas", "Ω".encode()),
    ]


def test_a_character_of_a_script_without_blanks_is_a_word():
    assert words_of("a日本b ไทย") == [
        *(b"a", "日".encode(), "本".encode(), b"b"),
        *("ไ".encode(), "ท".encode(), "ย".encode()),
    ]


def test_a_run_is_cut_every_64_bytes():
    assert [len(word) for word in words_of("x" * 130 + " y")] == [64, 64, 2, 1]


def test_equal_words_have_equal_hashes_and_others_differ():
    words = ["one", "two", "three", "ones", "eleven", "characters", "characterz"]
    hashes = find_words(" ".join(words + words).encode()).hashes
    assert np.array_equal(hashes[: len(words)], hashes[len(words) :])
    assert len(set(hashes.tolist())) == len(words)


def test_texts_are_kept_apart_by_zero_bytes():
    assert len(find_words(b"ab\0cd").starts) == 2
    assert len(find_words(b"").starts) == 0
