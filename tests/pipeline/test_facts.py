"""Laws of counting a corpus: bytes are UTF-8, only training rows count."""

import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.store import write_manifest
from scratchlm.pipeline.facts import count_facts


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@pytest.fixture
def corpus(tmp_path):
    message = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ä"}]
    pair = {"prompt": message[:1], "chosen": "abc", "rejected": "d"}
    for side, texts in (("train", ["äb", "c"]), ("heldout", ["held"])):
        path = tmp_path / side / "part-00000.parquet"
        write_documents(path, [Document(text, text, "s") for text in texts])
    chats = [{"split": s, "messages": message} for s in ("train", "test", "train")]
    write(tmp_path / "conversations.jsonl", chats)
    pairs = [{"split": s, **pair} for s in ("train", "test")]
    write(tmp_path / "preferences.jsonl", pairs)
    write_manifest(tmp_path, {}, {})
    return tmp_path


def test_text_is_counted_in_bytes_and_rows_in_training_ones(corpus):
    facts = count_facts(corpus)
    assert (facts.train_bytes, facts.heldout_bytes) == (4, 4)
    assert (facts.n_train_documents, facts.n_heldout_documents) == (2, 1)
    assert (facts.n_conversations, facts.conversation_bytes) == (2, 2 * 3)
    assert (facts.n_pairs, facts.pair_bytes) == (1, 2 * 1 + 3 + 1)


def test_a_missing_file_is_named(corpus):
    (corpus / "heldout" / "part-00000.parquet").unlink()
    with pytest.raises(UserError, match="heldout"):
        count_facts(corpus)
