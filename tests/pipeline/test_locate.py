"""Laws of finding a model by what a person calls it."""

import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.locate import locate_model, model_folder


def make_model(folder):
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    return folder


@pytest.fixture
def runs(tmp_path):
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "request.json").write_text(
        json.dumps({"recipe": "laptop", "draft": {}, "commands": []})
    )
    (run / "tokenizer").mkdir()
    (run / "tokenizer" / "tokenizer.json").touch()
    return tmp_path / "runs"


def test_a_runs_name_is_its_last_full_precision_model(runs):
    make_model(runs / "mine/train/model")
    assert locate_model("mine", runs).model == runs / "mine/train/model"
    make_model(runs / "mine/align/model")
    make_model(runs / "mine/quantize/model")
    found = locate_model("mine", runs)
    assert found.model == runs / "mine/align/model"
    assert found.tokenizer == runs / "mine/tokenizer/tokenizer.json"


@pytest.mark.parametrize("called", ["mine/quantize", "mine/quantize/model"])
def test_a_stages_and_a_models_folder_are_understood(runs, called):
    model = make_model(runs / "mine/quantize/model")
    for reference in (called, str(runs / called)):
        found = locate_model(reference, runs)
        assert found.model == model
        assert found.tokenizer == runs / "mine/tokenizer/tokenizer.json"


def test_an_exports_own_tokenizer_comes_first(runs):
    model = make_model(runs / "mine/export/scratchlm")
    (model / "tokenizer.json").touch()
    assert locate_model("mine/export/scratchlm", runs).tokenizer.parent == model


def test_what_is_not_there_is_said_with_what_is(runs, tmp_path):
    with pytest.raises(UserError, match="runs: mine"):
        locate_model("other", runs)
    with pytest.raises(UserError, match="has no model yet"):
        locate_model("mine", runs)
    alone = make_model(tmp_path / "alone")
    with pytest.raises(UserError, match="has no tokenizer"):
        locate_model(str(alone), runs)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no model"):
        locate_model(str(tmp_path / "empty"), runs)


def test_a_model_folder_is_found_inside_a_stage(tmp_path):
    assert model_folder(tmp_path) == tmp_path
    inner = make_model(tmp_path / "model")
    assert model_folder(tmp_path) == inner


def test_an_unfinished_trainings_newest_checkpoint_stands_for_its_model(runs):
    for step in (5, 10):
        folder = runs / f"mine/train/checkpoints/step_{step:06d}"
        folder.mkdir(parents=True)
        (folder / "state.json").touch()
    for called in ("mine", "mine/train", "mine/train/checkpoints/step_000010"):
        found = locate_model(called, runs)
        assert found.model == folder
        assert found.tokenizer == runs / "mine/tokenizer/tokenizer.json"
    done = make_model(runs / "mine/train/model")
    assert locate_model("mine", runs).model == done
