"""Laws of the strings that tokenizers are compared on."""

from scratchlm.tokenizer.tricky import FRAGMENTS, tricky_texts


def test_the_seed_decides_the_texts(tokenizer):
    assert tricky_texts(300, 5, tokenizer) == tricky_texts(300, 5, tokenizer)
    assert tricky_texts(300, 5, tokenizer) != tricky_texts(300, 6, tokenizer)


def test_there_are_as_many_as_asked_for_every_fragment_alone_among_them(tokenizer):
    assert [len(tricky_texts(n, 0, tokenizer)) for n in (0, 7, 400)] == [0, 7, 400]
    assert {"", *FRAGMENTS} <= set(tricky_texts(400, 0, tokenizer))


def test_tokens_of_the_vocabulary_are_among_them(tokenizer):
    used = {
        token
        for text in tricky_texts(1000, 0, tokenizer)
        for token in tokenizer.encode(text)
    }
    merged = set(range(256, tokenizer.first_special_id))
    assert len(used & merged) > 0.8 * len(merged)


def test_all_texts_can_be_written_as_utf8(tokenizer):
    assert all(text.encode() is not None for text in tricky_texts(500, 1, tokenizer))
