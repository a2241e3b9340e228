from scratchlm.generate.control import chat_stop_ids, forbidden_ids
from scratchlm.tokenizer.tokenizer import Tokenizer

MERGES = [(104, 105), (256, 33)]


def test_only_the_ends_of_an_answer_may_come_of_all_control_tokens():
    tokenizer = Tokenizer.own(MERGES)
    stops = chat_stop_ids(tokenizer)
    assert stops == (tokenizer.end_of_turn_id, tokenizer.endoftext_id)
    forbidden = forbidden_ids(tokenizer)
    assert {tokenizer.pad_id, tokenizer.user_id} < set(forbidden)
    assert sorted([*forbidden, *stops]) == list(range(258, tokenizer.vocab_size))


def test_slots_that_no_merge_filled_may_not_come():
    tokenizer = Tokenizer.own(MERGES, vocab_size=300)
    forbidden = forbidden_ids(tokenizer)
    assert min(forbidden) == 258 and tokenizer.token_bytes(257) == b"hi!"


def test_what_is_allowed_can_be_said():
    tokenizer = Tokenizer.own(MERGES)
    allowed = {tokenizer.endoftext_id}
    forbidden = forbidden_ids(tokenizer, allowed)
    assert set(range(258, tokenizer.vocab_size)) - set(forbidden) == allowed
