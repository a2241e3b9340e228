import pytest

from scratchlm.train.checkpoint_folders import (
    folder_name,
    folder_step,
    list_folders,
    read_metric,
)


def test_folders_are_ordered_by_their_steps_and_others_are_left_alone(tmp_path):
    for step in (1_000_000, 999_999, 5):
        (tmp_path / folder_name(step)).mkdir()
    for name in ("step_notes", "notes", ".step_000007.tmp-12"):
        (tmp_path / name).mkdir()
    found = list_folders(tmp_path)
    assert [path.name for path in found] == [
        "step_000005",
        "step_999999",
        "step_1000000",
    ]
    assert list(map(folder_step, found)) == [5, 999_999, 1_000_000]
    assert list_folders(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ('{"metric": 0.125}', 0.125),
        ('{"metric": null}', None),
        ('{"metric": "x"}', None),
        ("{}", None),
        ("[1]", None),
        ("{", None),
    ],
)
def test_a_metric_is_a_number_or_none(tmp_path, text, metric):
    assert read_metric(tmp_path) is None
    (tmp_path / "state.json").write_text(text)
    assert read_metric(tmp_path) == metric
