import fsspec
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.sources.remote import (
    find_remote_files,
    remote_file,
    store_errors,
)


def put(url: str, content: bytes = b"x") -> None:
    with fsspec.open(url, "wb") as stream:
        stream.write(content)


def test_files_of_a_store_come_by_name_with_their_size():
    for name in ("b/2.txt", "a.txt", "b/10.txt", ".git/config", "b/.hidden"):
        put(f"memory://remote1/corpus/{name}", name.encode())
    step = Step("files")
    found = list(find_remote_files("memory://remote1/corpus/", step, "text"))
    assert [(file.name, file.n_bytes) for file in found] == [
        ("corpus/a.txt", 5),
        ("corpus/b/10.txt", 8),
        ("corpus/b/2.txt", 7),
    ]
    assert found[0].location == "memory:///remote1/corpus/a.txt"
    assert step.sources["text"].dropped == step.n_dropped == 2


def test_one_file_of_a_store_is_called_by_its_name():
    put("memory://remote2/corpus/a.txt")
    (file,) = find_remote_files("memory://remote2/corpus/a.txt", Step(""), "")
    assert file.name == "a.txt"


def test_a_pattern_is_called_by_the_folder_before_it():
    for name in ("a.txt", "b.md", "c/d.txt"):
        put(f"memory://remote4/corpus/{name}")
    for pattern, names in (
        ("*.txt", ["corpus/a.txt"]),
        ("**/*.txt", ["corpus/a.txt", "corpus/c/d.txt"]),
        ("?/*", ["corpus/c/d.txt"]),
    ):
        found = find_remote_files(f"memory://remote4/corpus/{pattern}", Step(""), "")
        assert [file.name for file in found] == names, pattern
    with pytest.raises(UserError, match="holds no file"):
        list(find_remote_files("memory://remote4/corpus/*.pdf", Step(""), ""))


def test_nothing_there_is_one_line():
    with pytest.raises(UserError, match="memory://remote3 holds no file"):
        list(find_remote_files("memory://remote3", Step(""), "text"))


def test_a_stores_own_hash_saves_the_reading_and_its_time_a_second_one():
    tagged = remote_file("a", "s3://a", {"size": 1, "ETag": '"x"', "mtime": 5})
    other = remote_file("a", "s3://a", {"size": 1, "ETag": '"y"', "mtime": 5})
    assert tagged.token and other.token and tagged.token != other.token
    hub = {"size": 1, "blob_id": "b", "lfs": {"sha256": "c", "size": 1}}
    assert remote_file("a", "hf://a", hub).token
    plain = remote_file("a", "sftp://a", {"size": 1, "mtime": 5})
    assert plain.token is None and plain.version == ("5",)
    assert remote_file("a", "x://a", {"size": None}).n_bytes == 0


def test_whatever_a_store_raises_is_one_line_that_names_the_place():
    where = store_errors("s3://b")
    with pytest.raises(UserError, match="s3://b cannot be read: no luck today"), where:
        raise RuntimeError("no luck\n  today")
    where = store_errors("s3://b")
    with pytest.raises(UserError, match="s3://b does not exist"), where:
        raise FileNotFoundError
    with pytest.raises(KeyboardInterrupt), store_errors("s3://b"):
        raise KeyboardInterrupt
