import pytest

from scratchlm.corpus.assemble import Finished, assemble_corpus, count_sides
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.flow import Part
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.store import Corpus

SIDES = ("train", "heldout", "removed")
RECEIPT = {"steps": []}


@pytest.fixture
def part(tmp_path):
    """`part(name, train, heldout)`: what a shard became, in files."""

    def make(name: str, train: list[Document], heldout: list[Document]) -> Part:
        paths = {side: tmp_path / "work" / name / f"{side}.parquet" for side in SIDES}
        for side, documents in zip(SIDES, (train, heldout, []), strict=True):
            write_documents(paths[side], documents)
        return Part("made", **paths)

    return make


def put_together(parts, directory, **more) -> Corpus:
    assemble_corpus(Finished(parts, RECEIPT, {}, {}, **more), directory)
    return Corpus.open(directory)


def test_parts_are_numbered_in_order_and_those_that_hold_nothing_are_left_out(
    part, documents, tmp_path
):
    a, b, c = documents(3, 20)
    parts = [part("x", [b], []), part("y", [], []), part("z", [a], [c])]
    corpus = put_together(parts, tmp_path / "corpus")
    assert list(corpus.train_documents()) == [b, a]
    assert [path.name for path in corpus.parts("train")] == [
        "part-00000.parquet",
        "part-00001.parquet",
    ]
    assert list(corpus.heldout_documents()) == [c]
    assert corpus.parts("removed") == []
    corpus.verify()


def test_documents_in_memory_take_the_place_of_the_parts(part, documents, tmp_path):
    a, b = documents(2, 20)
    sides = {"train": [b], "heldout": [a]}
    chat = {"conversations.jsonl": [{"n": 1}], "preferences.jsonl": []}
    parts = [part("x", [a, b], [])]
    corpus = put_together(parts, tmp_path / "corpus", sides=sides, chat=chat)
    assert list(corpus.train_documents()) == [b]
    assert list(corpus.heldout_documents()) == [a]
    assert corpus.conversations() == [{"n": 1}] and corpus.preferences() == []


def test_the_corpus_before_is_replaced_whole(part, documents, tmp_path):
    first, second = documents(2, 20)
    place = tmp_path / "corpus"
    put_together([part("x", [first], [first])], place)
    corpus = put_together([part("y", [second], [])], place)
    assert list(corpus.train_documents()) == [second]
    assert corpus.parts("heldout") == []


def test_where_putting_together_fails_the_corpus_before_stays(
    part, documents, tmp_path
):
    (document,) = documents(1, 20)
    corpus = put_together([part("x", [document], [])], tmp_path / "corpus")
    gone = part("y", [document], [])
    gone.removed.unlink()
    with pytest.raises(FileNotFoundError):
        put_together([gone], tmp_path / "corpus")
    assert list(corpus.train_documents()) == [document]
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["corpus", "work"]


def test_the_work_directory_may_be_used_again(part, documents, tmp_path):
    """What is linked into a corpus stays what it was in the work directory."""
    made = part("x", documents(2, 20), [])
    before = made.train.read_bytes()
    corpus = put_together([made], tmp_path / "corpus")
    assert made.train.read_bytes() == before == corpus.parts("train")[0].read_bytes()


def test_bytes_are_those_of_utf8_wherever_the_documents_are(part):
    texts = ["naïve", "日本語", "🙂"]
    made = [Document(str(n), text, "made") for n, text in enumerate(texts)]
    counted = {"n_documents": 3, "n_bytes": 6 + 9 + 4}
    nothing = {"n_documents": 0, "n_bytes": 0}
    expected = {"train": counted, "heldout": nothing}
    assert count_sides([part("x", made, [])], None) == expected
    assert count_sides([], {"train": made, "heldout": []}) == expected
