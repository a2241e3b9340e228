"""Laws of freezing: measured once, written whole, amended without measuring again."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline import freeze as freezing
from scratchlm.pipeline.calibration import NOMINAL
from scratchlm.pipeline.dial import NOMINAL_FACTS
from scratchlm.pipeline.freeze import freeze, read_frozen
from scratchlm.pipeline.recipe import read_recipe
from scratchlm.pipeline.request import make_request, save_request


class Killed(BaseException):
    """The end of the process."""


class Measuring:
    """Counts how often the machine was measured."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self):
        self.n_calls += 1
        return NOMINAL


def ask(tmp_path, target="laptop", name=None, **options):
    request = make_request(target, options, tmp_path / "runs", name)
    save_request(request)
    return request


def freeze_once(request):
    measuring = Measuring()
    recipe, _ = freeze(request, NOMINAL_FACTS, measuring)
    return recipe, measuring.n_calls


def test_a_frozen_recipe_is_read_back_and_nothing_is_measured_again(tmp_path):
    request = ask(tmp_path)
    assert read_frozen(request) is None
    recipe, n_calls = freeze_once(request)
    assert n_calls == 1
    assert read_frozen(ask(tmp_path)) == recipe


def test_an_amended_draft_is_derived_from_the_first_measurements(tmp_path):
    before, _ = freeze_once(ask(tmp_path))
    amended = ask(tmp_path, align={"beta": 0.5})
    assert read_frozen(amended) is None
    after, n_calls = freeze_once(amended)
    assert n_calls == 0
    assert after.align.beta == 0.5
    assert after.model_copy(update={"align": before.align}) == before


def test_a_resolved_recipe_is_frozen_without_measuring(tmp_path):
    first = ask(tmp_path)
    recipe, _ = freeze_once(first)
    repeated, n_calls = freeze_once(ask(tmp_path, str(first.run.recipe_path)))
    assert n_calls == 0 and repeated == recipe


def test_a_recipe_edited_by_hand_holds(tmp_path):
    request = ask(tmp_path)
    freeze_once(request)
    path = request.run.recipe_path
    path.write_text(path.read_text().replace("beta = 2.0", "beta = 0.7"))
    assert read_frozen(ask(tmp_path)).align.beta == 0.7


def test_options_never_overwrite_what_was_edited_by_hand(tmp_path):
    request = ask(tmp_path)
    freeze_once(request)
    path = request.run.recipe_path
    path.write_text(path.read_text().replace("beta = 2.0", "beta = 0.7"))
    with pytest.raises(UserError, match="edited by hand"):
        read_frozen(ask(tmp_path, train={"seed": 1}))


@pytest.mark.parametrize("last_write", ["write_json", "write_text"])
def test_a_kill_while_freezing_leaves_a_run_that_freezes_the_same(
    tmp_path, monkeypatch, last_write
):
    recipe, _ = freeze_once(ask(tmp_path, name="undisturbed"))
    freeze_once(ask(tmp_path, name="killed", minutes=3))

    def die(path, value):
        raise Killed

    amended = ask(tmp_path, name="killed", minutes=10)
    with monkeypatch.context() as patch:
        patch.setattr(freezing, last_write, die)
        with pytest.raises(Killed):
            freeze_once(amended)
    assert read_frozen(amended) is None
    assert freeze_once(amended) == (recipe, 0)


def test_what_a_run_was_derived_from_stands_beside_its_recipe(tmp_path):
    request = ask(tmp_path)
    freeze_once(request)
    dial = freezing.read_json(request.run.dial_path)
    assert dial["calibration"] == NOMINAL.model_dump(mode="json")
    assert dial["facts"] == NOMINAL_FACTS.model_dump(mode="json")
    assert "train.total_steps" in dial["reasons"]
    assert read_recipe(request.run.recipe_path).minutes == 10
