"""Every example runs, and tells its story."""

import runpy

import pytest
import torch

STORIES = {
    "first_model.py": ["bits per byte of a page that it never saw", "statement"],
    "resume_exactly.py": ["resumed from 25", "the same bytes"],
}


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_example_is_run_here(repository):
    assert {path.name for path in (repository / "examples").glob("*.py")} == set(
        STORIES
    )


@pytest.mark.parametrize("name", STORIES)
def test_an_example_tells_its_story(repository, capsys, name):
    path = repository / "examples" / name
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100
    runpy.run_path(str(path), run_name="__main__")
    told = capsys.readouterr().out
    for words in STORIES[name]:
        assert words in told
