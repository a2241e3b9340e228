import os
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.walk import find_files


def reasons(step: Step) -> dict[str, list[str]]:
    return {reason: drop.examples for reason, drop in step.dropped.items()}


def make_tree(root: Path, names: list[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_files_come_sorted_by_name_whatever_order_the_disk_has(tmp_path):
    names = ["b/2.txt", "a.txt", "b/10.txt", "b/c/x.md", "Z.txt"]
    make_tree(tmp_path / "one", names)
    make_tree(tmp_path / "two", names[::-1])
    for folder in ("one", "two"):
        found = find_files([str(tmp_path / folder)], Step("files"))
        expected = ["Z.txt", "a.txt", "b/10.txt", "b/2.txt", "b/c/x.md"]
        assert [file.name for file in found] == [f"{folder}/{n}" for n in expected]
        assert found[0].n_bytes == 5


def test_a_circle_of_links_ends_and_is_named(tmp_path):
    make_tree(tmp_path / "root", ["a/x.txt"])
    (tmp_path / "root/a/up").symlink_to(tmp_path / "root")
    (tmp_path / "root/self").symlink_to(tmp_path / "root/self")
    (tmp_path / "root/lost").symlink_to(tmp_path / "nothing")
    step = Step("files")
    found = find_files([str(tmp_path / "root")], step)
    assert [file.name for file in found] == ["root/a/x.txt"]
    assert reasons(step) == {
        "symbolic link in a circle": ["root/a/up", "root/self"],
        "broken link": ["root/lost"],
    }


def test_a_file_reached_twice_is_read_once(tmp_path):
    make_tree(tmp_path / "root", ["a.txt", "b/c.txt"])
    (tmp_path / "root/link.txt").symlink_to(tmp_path / "root/a.txt")
    step = Step("files")
    paths = [str(tmp_path / "root"), str(tmp_path / "root/b")]
    found = find_files(paths, step)
    assert [file.path.name for file in found] == ["c.txt", "a.txt"]
    assert step.n_dropped == 2
    assert find_files(paths[::-1], Step("files")) == found


def test_pipes_and_hidden_files_are_never_opened(tmp_path):
    make_tree(tmp_path / "root", ["a.txt", ".git/config", ".hidden"])
    os.mkfifo(tmp_path / "root/pipe")
    step = Step("files")
    assert len(find_files([str(tmp_path / "root")], step)) == 1
    assert reasons(step) == {
        "hidden": ["root/.git", "root/.hidden"],
        "neither file nor folder": ["root/pipe"],
    }


def test_folders_of_one_name_are_told_apart(tmp_path):
    make_tree(tmp_path, ["x/data/a.txt", "y/data/a.txt"])
    found = find_files([str(tmp_path / "y/data"), str(tmp_path / "x/data")], Step(""))
    assert [(f.name, f.path.read_text()) for f in found] == [
        ("data/a.txt", "x/data/a.txt"),
        ("data~2/a.txt", "y/data/a.txt"),
    ]


def test_folders_nested_beyond_all_use_are_named_and_not_entered(tmp_path):
    (tmp_path / "root/a.txt").parent.mkdir()
    (tmp_path / "root/a.txt").write_text("x")
    deep = tmp_path / "root"
    for _ in range(150):
        deep = deep / "d"
        deep.mkdir()
    step = Step("files")
    assert len(find_files([str(tmp_path / "root")], step)) == 1
    assert list(step.dropped) == ["more than 100 folders deep"]


def test_a_name_that_is_no_utf8_becomes_one(tmp_path):
    (tmp_path / "root").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/root/\xff.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (file,) = find_files([str(tmp_path / "root")], Step("files"))
    assert file.name == "root/\ufffd.txt"


def test_caches_and_built_corpora_are_no_text_unless_they_are_named(tmp_path):
    own = '{\n "format": "scratchlm-corpus",\n "version": 1\n}\n'
    make_tree(tmp_path / "root", ["a.txt", "out/train/b.txt", "work/c.txt"])
    make_tree(tmp_path / "root", ["other/d.txt", "other/manifest.json"])
    (tmp_path / "root" / "out" / "manifest.json").write_text(own)
    (tmp_path / "root" / "work" / "CACHEDIR.TAG").write_text("Signature: …")
    step = Step("files")
    found = find_files([str(tmp_path / "root")], step)
    names = ["root/a.txt", "root/other/d.txt", "root/other/manifest.json"]
    assert [file.name for file in found] == names
    assert reasons(step) == {"a cache": ["root/work"]}
    named = find_files([str(tmp_path / "root" / "out")], Step("files"))
    assert [file.name for file in named] == ["out/manifest.json", "out/train/b.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_entered_is_named(tmp_path):
    make_tree(tmp_path / "root", ["a.txt", "shut/b.txt"])
    (tmp_path / "root/shut").chmod(0)
    step = Step("files")
    assert len(find_files([str(tmp_path / "root")], step)) == 1
    assert reasons(step) == {"unreadable: Permission denied": ["root/shut"]}
    (tmp_path / "root/shut").chmod(0o700)


def test_a_pattern_stands_for_what_it_matches_named_from_its_folder(
    tmp_path, monkeypatch
):
    make_tree(tmp_path / "root", ["a.md", "b.txt", "c/d.md", "c/e/f.md", "[x].md"])
    every = ["root/[x].md", "root/a.md", "root/c/d.md", "root/c/e/f.md"]
    for pattern, names in (
        ("*.md", ["root/[x].md", "root/a.md"]),
        ("**/*.md", every),
        ("c*", ["root/c/d.md", "root/c/e/f.md"]),
        ("c/**", ["c/d.md", "c/e/f.md"]),
        ("[x].md", ["[x].md"]),
        ("?.md", ["root/a.md"]),
    ):
        step = Step("files")
        found = find_files([str(tmp_path / "root" / pattern)], step)
        assert [file.name for file in found] == names, pattern
        assert step.n_dropped == 0
    monkeypatch.chdir(tmp_path / "root")
    assert [file.name for file in find_files(["**/*.md"], Step("files"))] == every
    with pytest.raises(UserError, match=r"\*\.pdf does not exist"):
        find_files(["*.pdf"], Step("files"))


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist; check the path"):
        find_files([str(tmp_path / "none")], Step("files"))
