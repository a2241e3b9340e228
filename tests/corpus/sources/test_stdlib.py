import shutil

from scratchlm.corpus.sources.stdlib import stdlib_piece


def test_the_library_is_one_piece_that_knows_its_content(tmp_path):
    for name in ("json/decoder.py", "ast.py", "test/test_ast.py", "x/data.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    piece = stdlib_piece("base", tmp_path)
    assert (piece.kind, piece.name, piece.source) == ("stdlib", "stdlib", "base")
    assert piece.n_bytes == len("json/decoder.py") + len("ast.py")
    shutil.copytree(tmp_path, tmp_path / "elsewhere/copy")
    copy = stdlib_piece("base", tmp_path / "elsewhere/copy")
    assert copy.fingerprint == piece.fingerprint
    (tmp_path / "test/test_ast.py").write_text("never read")
    (tmp_path / "elsewhere").rename(tmp_path / "test/elsewhere")
    assert stdlib_piece("base", tmp_path) == piece
    (tmp_path / "ast.py").write_text("as.py+")
    assert stdlib_piece("base", tmp_path).fingerprint != piece.fingerprint
