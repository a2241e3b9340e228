"""Laws of decoding as ids come."""

import random

from scratchlm.tokenizer import StreamDecoder


def stream(tokenizer, ids):
    decoder = StreamDecoder(tokenizer)
    return [*(decoder.push(token) for token in ids), decoder.flush()]


def test_a_streamed_text_is_the_text_decoded_at_once(tokenizer):
    draw = random.Random(0)
    for _ in range(500):
        ids = [draw.randrange(tokenizer.vocab_size) for _ in range(draw.randrange(30))]
        assert "".join(stream(tokenizer, ids)) == tokenizer.decode(ids)


def test_half_a_character_is_held_back_until_it_is_whole(tokenizer):
    assert stream(tokenizer, list("é!".encode())) == ["", "é", "!", ""]
    party = "\U0001f389"
    assert stream(tokenizer, list(party.encode())) == ["", "", "", party, ""]


def test_a_character_that_never_ends_becomes_a_replacement_character(tokenizer):
    assert stream(tokenizer, [0xC3]) == ["", "\ufffd"]
    assert stream(tokenizer, [0xC3, 65]) == ["", "\ufffdA", ""]


def test_a_decoder_starts_anew_after_its_flush(tokenizer):
    decoder = StreamDecoder(tokenizer)
    decoder.push(0xC3)
    decoder.flush()
    assert decoder.push(65) == "A"
