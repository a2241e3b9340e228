from scratchlm.corpus.sources.cutting import cut_file
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.scan import FileScan, Part

PARTS = (Part(0, 10, 10, 0, "a"), Part(10, 15, 5, 3, "b"))


def test_a_whole_file_is_one_piece():
    page = Located("p", "/x/p", 7, url="http://h/", content_type="text/html")
    (piece,) = cut_file(page, FileScan("f"), "lines", 5, "web")
    assert (piece.name, piece.location, piece.n_bytes) == ("p", "/x/p", 7)
    assert (piece.kind, piece.begin, piece.end, piece.source) == (
        "file",
        0,
        None,
        "web",
    )
    assert (piece.url, piece.content_type) == ("http://h/", "text/html")


def test_parts_know_their_place_and_the_rows_before_them():
    file = Located("a.jsonl", "/x", 15)
    first, second = cut_file(file, FileScan("f", PARTS), "lines", 10, "text")
    assert (first.name, first.begin, first.end, first.first_row) == (
        "a.jsonl",
        0,
        10,
        0,
    )
    assert (second.name, second.begin, second.end) == ("a.jsonl", 10, 15)
    assert (second.first_row, second.fingerprint, second.n_bytes) == (3, "b", 5)
    assert first.kind == second.kind == "lines"


def test_parts_of_a_text_have_names_of_their_own():
    pieces = cut_file(Located("a.txt", "/x", 15), FileScan("f", PARTS), "text", 10, "")
    assert [(piece.name, piece.kind) for piece in pieces] == [
        ("a.txt#00001", "lines"),
        ("a.txt#00002", "lines"),
    ]


def test_remote_lines_are_cut_by_position_without_being_read():
    file = Located("a.jsonl", "s3://b/a.jsonl", 25, token="t")
    pieces = list(cut_file(file, FileScan("t"), "lines", 10, ""))
    assert [(piece.name, piece.begin, piece.end) for piece in pieces] == [
        ("a.jsonl@0", 0, 10),
        ("a.jsonl@10", 10, 20),
        ("a.jsonl@20", 20, 25),
    ]
    assert sum(piece.n_bytes for piece in pieces) == 25
