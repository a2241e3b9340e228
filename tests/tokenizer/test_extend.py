"""Laws of extending: the old tokens stay, in their order, whatever their ids were."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.extend import merges_to_extend
from scratchlm.tokenizer.imported import import_tokenizer
from scratchlm.tokenizer.train import build_counts, train_from_counts


def test_our_own_merges_are_taken_as_they_are(tokenizer):
    assert merges_to_extend(tokenizer) == tokenizer.merges


def test_foreign_merges_give_the_same_tokens_in_our_numbering(gpt2_merges, texts):
    gpt2 = import_tokenizer(gpt2_merges)
    ours = Tokenizer.own(merges_to_extend(gpt2), "gpt2")
    for text in texts[:80]:
        theirs = [gpt2.token_bytes(token) for token in gpt2.encode(text)]
        assert [ours.token_bytes(token) for token in ours.encode(text)] == theirs


def test_an_extended_vocabulary_begins_with_the_old_one(tokenizer):
    config = TokenizerConfig(vocab_size=1100)
    counts = build_counts(config)
    counts.add_texts(["zyxw zyxw zyxw " * 50])
    merges = merges_to_extend(tokenizer)
    longer = train_from_counts(config, counts, merges)
    assert longer.merges[: len(merges)] == merges
    assert len(longer.merges) > len(merges)
    assert len(longer.encode(" zyxw")) < len(tokenizer.encode(" zyxw"))


def test_what_has_no_order_of_merges_is_refused(texts):
    ranks = {bytes([byte]): byte for byte in range(256)}
    ranks |= {b"ab": 256, b"bc": 257, b"abc": 258}
    model = BPE.from_ranks(ranks, "llama3")
    with pytest.raises(UserError, match="several ways"):
        merges_to_extend(Tokenizer(model, {}, 259))
    config = TokenizerConfig(kind="wordpiece", vocab_size=700)
    with pytest.raises(UserError, match="no merges"):
        merges_to_extend(train_tokenizer(config, texts))
