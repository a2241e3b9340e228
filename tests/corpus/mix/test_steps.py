import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.mix.config import MixConfig, SplitConfig
from scratchlm.corpus.mix.steps import assign_step
from scratchlm.corpus.sources.config import SourceConfig

NO_SPLIT = SplitConfig(heldout_frac=0)


class Backwards(InProcess):
    """Takes three calls at a time and runs the last one first."""

    workers = 3

    def finished(self):
        self._waiting.reverse()
        yield from super().finished()


@pytest.fixture
def collection(prose):
    """`collection("web", n, n_words)`: different documents of one source."""

    def make(source, n, n_words=60, first=0):
        seeds = range(first, first + n)
        return [
            Document(f"{source}/{s}", prose(hash_of(source, s), n_words), source)
            for s in seeds
        ]

    return make


def hash_of(source, number):
    return sum(map(ord, source)) * 100_000 + number


def test_without_wishes_every_row_stands_once_in_train(collection, run_assign):
    shards = [collection("web", 30), collection("books", 5)]
    done = run_assign(assign_step(MixConfig(), NO_SPLIT, ()), shards)
    assert set(done.rows.values()) == {(1, "train")}
    assert len(done.rows) == 35
    assert done.account["warnings"] == []


def test_written_bytes_miss_the_quota_by_less_than_a_document(collection, run_assign):
    shards = [
        *(collection("web", 40, 50, first) for first in (0, 40)),
        collection("books", 30, 90),
        collection("code", 20, 30),
    ]
    sources = (
        SourceConfig(name="web", weight=0.2),
        SourceConfig(name="books", weight=0.8),
        SourceConfig(name="code", epochs=2.5),
    )
    mix = MixConfig(total_bytes=60_000)
    done = run_assign(assign_step(mix, NO_SPLIT, sources), shards)
    account = done.account["sources"]
    assert sum(entry["quota_bytes"] for entry in account.values()) == 60_000
    for shard in shards:
        entry = account[shard[0].source]
        longest = max(document.n_bytes for document in shard)
        assert abs(entry["written_bytes"] - entry["quota_bytes"]) <= longest
    for name in account:
        documents = [d for shard in shards for d in shard if d.source == name]
        copies = [done.rows.get(d.id, (0, ""))[0] for d in documents]
        assert max(copies) - min(copies) <= 1
        written = sum(c * d.n_bytes for c, d in zip(copies, documents, strict=True))
        assert written == account[name]["written_bytes"]


def test_near_duplicates_never_straddle_train_and_heldout(prose, run_assign):
    """Families of three: one original, one with a word changed, one with an end."""
    shards, families = [[], [], []], 60
    for n in range(families):
        text = prose(n, 80)
        words = text.split()
        words[40] = "different"
        for shard, variant in zip(
            shards, (text, " ".join(words), text + prose(9000 + n, 9)), strict=True
        ):
            name = f"{n}~{len(shards)}{shards.index(shard)}"
            shard.append(Document(name, variant, "web"))
    split = SplitConfig(heldout_frac=0.3)
    done = run_assign(assign_step(MixConfig(), split, ()), shards)
    sides = {}
    for name, (_, side) in done.rows.items():
        sides.setdefault(name.partition("~")[0], set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    held = sum(found == {"heldout"} for found in sides.values())
    assert 8 <= held <= 30


def test_the_heldout_share_is_near_to_what_was_wished(collection, run_assign):
    shards = [collection("web", 150, 30, first) for first in (0, 150)]
    step = assign_step(MixConfig(), SplitConfig(heldout_frac=0.2), ())
    done = run_assign(step, shards)
    assert 40 <= len(done.side("heldout")) <= 80
    assert len(done.side("train")) + len(done.side("heldout")) == 300


def test_heldout_text_is_written_once_whatever_the_mix(collection, run_assign):
    sources = (SourceConfig(name="web", epochs=3),)
    step = assign_step(MixConfig(), SplitConfig(heldout_frac=0.2), sources)
    done = run_assign(step, [collection("web", 60)])
    assert {done.rows[name][0] for name in done.side("heldout")} == {1}
    assert {done.rows[name][0] for name in done.side("train")} == {3}
    entry = done.account["sources"]["web"]
    assert entry["written_bytes"] == 3 * entry["n_bytes"]
    assert entry["heldout_documents"] == len(done.side("heldout")) > 0


def test_a_small_corpus_holds_out_one_document(collection, run_assign):
    step = assign_step(MixConfig(), SplitConfig(heldout_frac=0.01), ())
    done = run_assign(step, [collection("web", 3)])
    assert len(done.side("heldout")) == 1


def test_text_that_is_all_alike_stays_in_training_and_is_said(prose, run_assign):
    alike = [Document(f"d{n}", prose(1, 80) + f"end {n}", "web") for n in range(4)]
    step = assign_step(MixConfig(), SplitConfig(), ())
    done = run_assign(step, [alike])
    assert len(done.side("train")) == 4 and not done.side("heldout")
    assert "all of them are alike" in done.account["warnings"][0]


def test_order_memory_and_workers_change_no_byte(collection, run_assign):
    shards = [collection("web", 40), collection("web", 40, first=40)]
    shards.append(collection("books", 20))
    sources = (SourceConfig(name="books", weight=2), SourceConfig(name="web"))
    mix, split = MixConfig(total_bytes=50_000), SplitConfig(heldout_frac=0.1)
    step = assign_step(mix, split, sources)
    first = run_assign(step, shards)
    assert run_assign(step, shards, memory=1000).files() == first.files()
    assert run_assign(step, shards, executor=Backwards()).files() == first.files()
    turned = run_assign(assign_step(mix, split, sources[::-1]), shards[::-1])
    assert turned.rows == first.rows
    assert turned.account == first.account


def test_more_text_of_one_source_moves_no_document_of_another(collection, run_assign):
    step = assign_step(MixConfig(), SplitConfig(heldout_frac=0.2), ())
    web = collection("web", 60)
    before = run_assign(step, [web])
    after = run_assign(step, [web, collection("books", 60)])
    assert before.rows == {n: r for n, r in after.rows.items() if n in before.rows}


def test_too_much_repetition_and_empty_sources_are_warned_of(collection, run_assign):
    sources = (SourceConfig(name="web", epochs=6), SourceConfig(name="gone", weight=1))
    done = run_assign(
        assign_step(MixConfig(), NO_SPLIT, sources), [collection("web", 9)]
    )
    repeated, gone = done.account["warnings"]
    assert repeated.startswith("web is repeated 6.0 times")
    assert gone == "gone has a weight and no text is left of it"


def test_weights_of_a_file_go_before_those_of_the_sources(tmp_path):
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"web": 0.25}))
    sources = (SourceConfig(name="web", weight=9), SourceConfig(name="b", weight=1))
    step = assign_step(MixConfig(weight_file=str(path)), NO_SPLIT, sources)
    assert step.config.weights == {"web": 0.25, "b": 1.0}
    assert step.config.mix.weight_file is None


def test_weight_and_epochs_together_are_refused():
    sources = (SourceConfig.model_construct(name="web", weight=1, epochs=2),)
    with pytest.raises(UserError, match="has a weight and epochs"):
        assign_step(MixConfig(), NO_SPLIT, sources)
