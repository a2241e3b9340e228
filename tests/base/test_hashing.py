from scratchlm.base.hashing import sha256_bytes, sha256_file, sha256_json

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_published_vectors(tmp_path):
    path = tmp_path / "file"
    for data, expected in ((b"", EMPTY), (b"abc", ABC)):
        path.write_bytes(data)
        assert sha256_bytes(data) == sha256_file(path) == expected


def test_values_are_hashed_not_their_spelling():
    assert sha256_json({"b": [1, 2], "a": "ä"}) == sha256_json({"a": "ä", "b": [1, 2]})
    assert sha256_json({"a": 1}) != sha256_json({"a": "1"})
    assert sha256_json([1, 2]) != sha256_json([2, 1])


def test_the_spelling_is_fixed_for_good():
    """Stage keys of older runs depend on it."""
    assert sha256_json({"b": 1, "a": "ä"}) == sha256_bytes('{"a":"ä","b":1}'.encode())
