import pytest

from scratchlm.corpus import sample as sample_module
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.options import BuildOptions
from scratchlm.corpus.sample import choose_sample, estimate_result, inspect_sources
from scratchlm.corpus.sources.piece import InputShard, Piece

MB = 10**6


def shard(first: int, n: int, n_bytes: int = MB) -> InputShard:
    names = [f"f{number:03d}.txt" for number in range(first, first + n)]
    pieces = tuple(Piece(name, f"/in/{name}", n_bytes, name) for name in names)
    return InputShard("made", pieces)


def names_of(sample) -> set[str]:
    return {piece.name for some in sample.shards for piece in some.pieces}


@pytest.fixture
def config(tmp_path, prose) -> CorpusConfig:
    (tmp_path / "in").mkdir()
    for number in range(40):
        (tmp_path / "in" / f"{number}.txt").write_text(prose(number, 150))
    return CorpusConfig(source="files", paths=(str(tmp_path / "in"),), ask=False)


def test_about_the_wished_share_is_looked_at():
    sample = choose_sample([shard(0, 200), shard(200, 200)], 0.1)
    assert len(names_of(sample)) == 40
    assert sample.keep == 1 and sample.share == pytest.approx(0.1)


def test_a_larger_sample_holds_the_smaller_one():
    shards = [shard(0, 300)]
    assert names_of(choose_sample(shards, 0.1)) < names_of(choose_sample(shards, 0.3))


def test_how_files_are_packed_into_shards_changes_no_choice():
    one = choose_sample([shard(0, 200)], 0.1)
    many = choose_sample([shard(first, 10) for first in range(0, 200, 10)], 0.1)
    assert names_of(one) == names_of(many)


def test_of_pieces_that_hold_too_much_the_documents_are_thinned():
    sample = choose_sample([shard(0, 1, 1000 * MB)], 0.01)
    assert sample.keep == pytest.approx(0.01) == sample.share


def test_of_little_input_all_is_looked_at():
    sample = choose_sample([shard(0, 30, 10**5)], 0.01)
    assert len(names_of(sample)) == 30 and sample.share == 1
    nothing = choose_sample([], 0.01)
    assert nothing.shards == [] and nothing.share == 1


def test_a_whole_sample_sees_what_the_build_then_does(config, tmp_path):
    options = BuildOptions(workers=1)
    seen = inspect_sources(config, 1.0, options)
    corpus = build_corpus(config, tmp_path / "corpus", options=options)
    receipt = corpus.receipt
    sides = [receipt["train"], receipt["heldout"]]
    total = {name: sum(side[name] for side in sides) for name in sides[0]}
    assert seen["result"] == seen["estimate"] == total
    written = {step["step"]: step for step in receipt["steps"]}
    for step in seen["steps"]:
        assert step["kept"] == written[step["step"]]["kept"]


def test_a_sample_of_a_tenth_tells_what_stays_of_all(config, monkeypatch):
    monkeypatch.setattr(sample_module, "LEAST_BYTES", 1)
    seen = inspect_sources(config, 0.1, BuildOptions(workers=1))
    assert seen["share"] == pytest.approx(0.1)
    assert 2 <= seen["result"]["n_documents"] <= 6
    n_bytes = seen["input"]["n_bytes"]
    assert seen["estimate"]["n_bytes"] == pytest.approx(n_bytes, rel=0.05)
    assert seen["estimate"]["n_documents"] == pytest.approx(40, rel=0.05)


def test_looking_leaves_nothing_behind(config, tmp_path):
    inspect_sources(config, 0.5, BuildOptions(workers=1))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_documents_that_were_read_and_not_looked_at_count_in_the_estimate():
    """A tenth of the pieces was read, a quarter of their bytes looked at."""
    read = {"step": "records", "unit": "records", "kept": 100, "bytes_out": 4000}
    looked = {"step": "clean", "unit": "documents", "in": 20, "bytes_in": 1000}
    result = {"n_documents": 10, "n_bytes": 500}
    estimate = estimate_result([read, looked], result, 10.0)
    assert estimate == {"n_documents": 500, "n_bytes": 20_000}
    nothing = {"n_documents": 0, "n_bytes": 0}
    assert estimate_result([], nothing, 10.0) == nothing
