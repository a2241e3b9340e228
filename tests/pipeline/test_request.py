"""Laws of asking: which run is meant, and that nothing asked for is forgotten."""

from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus import CorpusConfig
from scratchlm.pipeline.request import (
    draft_options,
    load_request,
    make_request,
    read_section,
    save_request,
)


def ask(tmp_path, target, name=None, **options):
    return make_request(target, options, tmp_path / "runs", name)


def begin(tmp_path, target, name=None, **options):
    request = ask(tmp_path, target, name, **options)
    save_request(request)
    return request


def test_a_recipe_becomes_a_run_of_its_name(tmp_path):
    request = begin(tmp_path, "laptop")
    assert (request.run.name, request.recipe) == ("laptop", "laptop")
    assert not request.again and not request.amended
    assert load_request(request.run).draft == request.draft


def test_a_run_asked_for_without_options_is_what_it_was_asked_to_be(tmp_path):
    first = begin(tmp_path, "laptop", minutes=3)
    again = ask(tmp_path, "laptop")
    assert again.again and again.draft == first.draft and again.draft["minutes"] == 3
    assert again.draft_hash == first.draft_hash


def test_a_run_is_continued_by_its_own_name(tmp_path):
    first = begin(tmp_path, "classic", name="mine", minutes=2)
    again = ask(tmp_path, "mine")
    assert again.again and again.recipe == "classic" and again.draft == first.draft


def test_options_amend_what_was_asked_for_before(tmp_path):
    begin(tmp_path, "laptop", minutes=3, align={"beta": 0.5})
    amended = ask(tmp_path, "laptop", align={"epochs": 2})
    assert amended.amended and not amended.again
    assert amended.draft["align"] == {"beta": 0.5, "epochs": 2}
    assert amended.draft["minutes"] == 3


def test_the_commands_that_shaped_a_run_are_kept_and_no_others(tmp_path):
    save_request(ask(tmp_path, "laptop"), "scratchlm run laptop")
    save_request(ask(tmp_path, "laptop"), "scratchlm run laptop")
    save_request(ask(tmp_path, "laptop", minutes=1), "scratchlm run laptop --minutes 1")
    assert ask(tmp_path, "laptop").commands == (
        "scratchlm run laptop",
        "scratchlm run laptop --minutes 1",
    )


def test_the_same_option_again_amends_nothing(tmp_path):
    begin(tmp_path, "laptop", minutes=3)
    assert ask(tmp_path, "laptop", minutes=3).again


def test_a_name_that_belongs_to_another_recipe_is_refused(tmp_path):
    begin(tmp_path, "laptop", name="mine")
    with pytest.raises(UserError, match="was started from recipe laptop, not classic"):
        ask(tmp_path, "classic", name="mine")


@pytest.mark.parametrize(("wrong", "near"), [("latpop", "laptop"), ("mimi", "mini")])
def test_a_misspelt_target_is_answered_with_the_nearest_recipe_or_run(
    tmp_path, wrong, near
):
    begin(tmp_path, "laptop", name="mini")
    with pytest.raises(UserError, match=f"did you mean '{near}'"):
        ask(tmp_path, wrong)


def test_a_file_names_its_run_and_a_runs_recipe_a_repetition(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('extends = "laptop"\nminutes = 1\n')
    assert ask(tmp_path, "mine.toml").run.name == "mine"
    request = begin(tmp_path, "laptop", name="x")
    request.run.recipe_path.write_text('extends = "laptop"\n')
    assert ask(tmp_path, "runs/x/recipe.toml").run.name == "x-repeat"
    assert ask(tmp_path, "runs/x/recipe.toml", name="y").run.name == "y"


def test_an_edited_file_amends_its_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('extends = "laptop"\nminutes = 1\n')
    save_request(ask(tmp_path, "mine.toml"))
    assert ask(tmp_path, "mine.toml").again
    Path("mine.toml").write_text('extends = "laptop"\nminutes = 2\n')
    assert ask(tmp_path, "mine.toml").amended


def test_options_become_a_draft_with_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c.jsonl"):
        Path(name).touch()
    draft = draft_options(
        ("train.seed=3", "b"), 5, (Path("a"),), chat=Path("c.jsonl"), depth=4
    )
    assert draft["corpus"]["paths"] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert draft["corpus"]["source"] == "files"
    assert draft["corpus"]["chat"] == str(tmp_path / "c.jsonl")
    assert draft["train"] == {"seed": 3} and draft["minutes"] == 5
    assert draft["model"] == {"n_layers": 4}


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist"):
        draft_options(text=(tmp_path / "nowhere",))


def test_a_word_without_a_sign_is_no_override():
    with pytest.raises(UserError, match=r"a\.b=value"):
        draft_options(("beta",))


def test_a_section_may_be_left_out_for_a_single_room():
    plain = read_section(CorpusConfig, {"heldout_frac": 0.1}, "corpus")
    named = read_section(CorpusConfig, {"corpus": {"heldout_frac": 0.1}}, "corpus")
    assert plain == named
    with pytest.raises(UserError, match="did you mean 'heldout_frac'"):
        read_section(CorpusConfig, {"heldout_fra": 0.1}, "corpus")
