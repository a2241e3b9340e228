import os
from dataclasses import replace
from pathlib import Path

import pytest

from scratchlm.corpus.sources.fingerprints import Fingerprints
from scratchlm.corpus.sources.located import Located


def locate(path, age_s=100) -> Located:
    status = path.stat()
    when = status.st_mtime_ns - int(age_s * 1e9)
    os.utime(path, ns=(when, when))
    status = path.stat()
    version = (status.st_mtime_ns, status.st_ino)
    return Located(path.name, str(path), status.st_size, version)


def scan(cache, *files, cut=10**6, unit=None):
    hashes = Fingerprints(cache)
    found = list(hashes.scan_all(files, [unit] * len(files), cut))
    hashes.save()
    return found, sorted(hashes.scanned)


def test_a_file_is_read_once_for_as_long_as_it_stays(tmp_path):
    (tmp_path / "a").write_text("a\n" * 50)
    (tmp_path / "b").write_text("b\n" * 50)
    a, b = locate(tmp_path / "a"), locate(tmp_path / "b")
    cache = tmp_path / "cache/hashes.json"
    first, read = scan(cache, a, b, cut=40, unit="lines")
    assert read == ["a", "b"] and len(first[0].parts) == 3
    assert scan(cache, a, b, cut=40, unit="lines") == (first, [])
    (tmp_path / "b").write_text("c\n" * 50)
    again, read = scan(cache, a, locate(tmp_path / "b"), cut=40, unit="lines")
    assert read == ["b"] and again[0] == first[0] and again[1] != first[1]
    assert scan(cache, a, cut=50, unit="lines")[1] == ["a"]  # other cuts


def test_a_file_written_just_now_is_not_believed_next_time(tmp_path):
    (tmp_path / "a").write_text("one")
    cache = tmp_path / "hashes.json"
    assert scan(cache, locate(tmp_path / "a", 0))[1] == ["a"]
    assert scan(cache, locate(tmp_path / "a", 0))[1] == ["a"]


def test_a_damaged_memory_costs_time_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("one")
    a, cache = locate(tmp_path / "a"), tmp_path / "hashes.json"
    first, _ = scan(cache, a)
    whole = cache.read_text()
    for damage in (whole[:-20], "[]", '{"version": 0}', whole.replace("[]", "[[1]]")):
        cache.write_text(damage)
        assert scan(cache, a) == (first, ["a"])


def test_what_a_store_says_of_its_content_saves_the_reading(tmp_path):
    file = Located("a", "s3://nobody/reads/this", 5, token="t" * 64)
    assert scan(tmp_path / "hashes.json", file)[0][0].fingerprint == "t" * 64


def test_an_unreadable_file_is_an_answer_and_the_others_are_read(tmp_path):
    (tmp_path / "a").write_text("one")
    gone = Located("gone", str(tmp_path / "gone"), 3, (1, 1))
    found, read = scan(tmp_path / "hashes.json", gone, locate(tmp_path / "a"))
    assert isinstance(found[0], FileNotFoundError) and read == ["a"]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
def test_who_stops_asking_does_not_wait_for_the_rest(tmp_path):
    (tmp_path / "a").write_text("one")
    first = replace(locate(tmp_path / "a"), n_bytes=10**7)  # a batch of its own
    endless = Located("endless", "/dev/zero", 10**9, (1, 1))
    scans = Fingerprints(tmp_path / "hashes.json").scan_all(
        [first, endless], [None, None], 10**6
    )
    assert next(scans).fingerprint
    scans.close()


def test_a_name_that_is_no_utf8_is_hashed_and_not_remembered(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
    try:
        path.write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tmp_path / "plain").write_text("y")
    files = (locate(path), locate(tmp_path / "plain"))
    first, _ = scan(tmp_path / "hashes.json", *files)
    again, read = scan(tmp_path / "hashes.json", *files)
    assert again == first and read == [path.name]
