import numpy as np

from scratchlm.corpus.dedup.substring_texts import EarlierTexts


def test_wanted_texts_are_read_at_any_place_and_others_not_kept(tmp_path):
    wanted = np.array([[0, 2], [0, 5], [3, 0]], np.uint64)
    with EarlierTexts(tmp_path / "texts", wanted) as texts:
        for place in range(5):
            for row in range(7):
                texts.offer(place, row, f"text {row} of {place}".encode())
        for place, row in wanted.tolist():
            read = texts.reader(place, row)
            assert read(0, 99) == f"text {row} of {place}".encode()
            assert read(5, 6) == str(row).encode()
            assert read(50, 60) == b""
    assert (tmp_path / "texts").stat().st_size == 3 * len("text 0 of 0")


def test_nothing_wanted_is_nothing_kept(tmp_path):
    with EarlierTexts(tmp_path / "texts", np.empty((0, 2), np.uint64)) as texts:
        texts.offer(0, 0, b"text")
    assert (tmp_path / "texts").stat().st_size == 0
