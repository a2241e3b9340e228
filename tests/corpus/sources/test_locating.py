import fsspec
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.config import FetchConfig, SourceConfig
from scratchlm.corpus.sources.locating import locate_files


def make_tree(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def locate(cache, *paths, receipt=None, **settings):
    source = SourceConfig(name="text", paths=tuple(map(str, paths)), **settings)
    return locate_files(source, cache, receipt or Receipt())


def names(files):
    return [file.name for file in files]


def test_the_order_of_disk_and_paths_changes_nothing(tmp_path):
    files = ["b/2.txt", "a.txt", "b/10.txt"]
    make_tree(tmp_path / "x/one", *files)
    make_tree(tmp_path / "y/one", *files[::-1])
    make_tree(tmp_path / "z", "two.txt")
    paths = [tmp_path / "x/one", tmp_path / "z/two.txt"]
    other = [tmp_path / "z/two.txt", tmp_path / "y/one", tmp_path / "y/one"]
    expected = ["one/a.txt", "one/b/10.txt", "one/b/2.txt", "two.txt"]
    assert names(locate(tmp_path, *paths)) == expected
    assert names(locate(tmp_path, *other)) == expected


def test_patterns_choose_files_and_what_they_leave_out_is_counted(tmp_path):
    make_tree(tmp_path / "r", "a.md", "b.txt", "docs/c.md", "docs/old/d.md", ".e.md")
    receipt = Receipt()
    found = locate(
        *(tmp_path, tmp_path / "r"),
        receipt=receipt,
        include=("*.md",),
        exclude=("docs/old/**",),
    )
    assert names(found) == ["r/a.md", "r/docs/c.md"]
    (step,) = receipt.steps
    assert {reason: drop.count for reason, drop in step.dropped.items()} == {
        "hidden": 1,
        "not included": 1,
        "excluded": 1,
    }
    assert step.sources["text"].dropped == 3
    assert names(locate(tmp_path, tmp_path / "r", include=("docs/*",))) == [
        "r/docs/c.md",
        "r/docs/old/d.md",
    ]


def test_a_store_and_a_folder_of_one_name_are_told_apart(tmp_path):
    make_tree(tmp_path / "data", "a.txt")
    with fsspec.open("memory://locating/data/a.txt", "wb") as stream:
        stream.write(b"x")
    found = locate(tmp_path, tmp_path / "data", "memory://locating/data")
    assert names(found) == ["data/a.txt", "data~2/a.txt"]


def test_a_list_of_pages_is_fetched_and_named_by_url(tmp_path, site):
    site.add("/robots.txt", "User-agent: *\nDisallow: /no")
    urls = [site.add("/a", "text"), site.add("/no")]
    (tmp_path / "list.txt").write_text("\ufeff# mine\n" + "\r\n".join(urls))
    receipt = Receipt()
    (page,) = locate(
        *(tmp_path / "cache", f"urls:{tmp_path / 'list.txt'}"),
        receipt=receipt,
        fetch=FetchConfig(delay_s=0.0),
    )
    assert page.name == page.url == urls[0]
    assert receipt.step("fetch").dropped["forbidden by robots.txt"].count == 1


def test_what_is_not_there_is_one_line_that_names_the_source(tmp_path):
    with pytest.raises(UserError, match="none does not exist; check the paths of sou"):
        locate(tmp_path, tmp_path / "none")
    with pytest.raises(UserError, match=r"none\.txt does not exist"):
        locate(tmp_path, "urls:none.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is no UTF-8 text; write one URL a line"):
        locate(tmp_path, f"urls:{tmp_path / 'binary'}")
    with pytest.raises(UserError, match="is no dataset"):
        locate(tmp_path, "hf://models/a")


def test_the_standard_library_is_no_file(tmp_path):
    assert locate(tmp_path, "stdlib") == []
