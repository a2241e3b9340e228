"""The one list, six uses: folders, tests, commands, chapters, benchmarks, floors."""

import re

import pytest

ROW = re.compile(r"^\| *\*?\*?(?P<room>[a-z]+)\*?\*? *\|(?P<rest>.*)\|$", re.MULTILINE)
OTHER_TESTS = {
    "cli/test_verbs.py": "the thin verbs, all in one place",
    "model/test_against_transformers.py": "the whole model beside another library",
    "model/test_switches.py": "the whole model, every pair of switches",
    "native/test_native.py": "how the C core is built",
}


@pytest.fixture
def rows(repository):
    """The map in the README: room → the rest of its row."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    map_ = text.partition("<!-- map -->")[2].partition("<!-- /map -->")[0]
    found = {row["room"]: row["rest"] for row in ROW.finditer(map_)}
    assert found.pop("room"), "the head of the table"
    return found


def test_the_map_in_the_readme_is_the_house(rows, rooms):
    assert tuple(rows) == rooms


def test_each_row_names_folder_and_chapter(rows, repository):
    for room, rest in rows.items():
        for target in (f"src/scratchlm/{room}", f"docs/{room}.md"):
            assert f"({target})" in rest, f"{room}: no link to {target}"
            assert (repository / target).exists(), target


def test_each_room_has_a_chapter_and_tests(repository, rooms):
    for room in rooms:
        chapter = repository / "docs" / f"{room}.md"
        assert chapter.is_file(), chapter
        assert list((repository / "tests" / room).rglob("test_*.py")), room


def test_tests_mirror_the_sources(repository, rooms):
    """tests/model/test_attention.py ↔ src/scratchlm/model/attention.py."""
    package, found = repository / "src" / "scratchlm", []
    for room in rooms:
        for path in (repository / "tests" / room).rglob("test_*.py"):
            name = path.relative_to(repository / "tests").as_posix()
            module = package / name.replace("test_", "")
            if not module.exists() and name not in OTHER_TESTS:
                found.append(name)
    assert not found


def test_the_index_lists_every_chapter(repository):
    index = (repository / "docs" / "index.md").read_text(encoding="utf-8")
    docs = repository / "docs"
    for path in sorted(docs.rglob("*.md")):
        name = path.relative_to(docs).as_posix()
        assert name == "index.md" or f"({name})" in index, f"index.md lacks {name}"
