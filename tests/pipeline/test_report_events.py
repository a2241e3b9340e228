import json

from scratchlm.pipeline.report_events import MOST_SHOWN, events_section
from scratchlm.pipeline.report_files import RunFiles

EVIL = "</pre><script>alert(1)</script>"


def write_event(run, stage="train", step=41, **changes):
    folder = run / stage / "events" / f"step_{step:06d}"
    folder.mkdir(parents=True)
    norms = {"n_weights_not_finite": 0, "n_grads_not_finite": 2}
    event = {
        "step": step,
        "kind": "non_finite_gradient",
        "action": "rollback",
        "loss": 2.5,
        "grad_norm": "nan",
        "usual_loss": 2.25,
        "lr_scale": 0.5,
        "fault": {
            "stage": "backward",
            "where": "layers.10.mlp.up_proj.weight",
            "n_nan": 2,
            "n_inf": 0,
            "n_numbers": 4096,
        },
        "explanation": ["A root had a zero under it."],
        "parameters": {
            "layers.10.mlp.up_proj.weight": {
                "weight_norm": 3.0,
                "grad_norm": "nan",
                **norms,
            },
            "layers.2.mlp.up_proj.weight": {
                "weight_norm": 3.0,
                "grad_norm": 6.0,
                **norms,
            },
            "layers.2.mlp.down_proj.weight": {
                "weight_norm": 4.0,
                "grad_norm": 8.0,
                **norms,
            },
            "embed_tokens.weight": {"weight_norm": 1.0, "grad_norm": None, **norms},
        },
        **changes,
    }
    (folder / "event.json").write_text(json.dumps(event))
    (folder / "batch.txt").write_text(f"--- row 3 · loss nan\n{EVIL}\n" + "x" * 9999)
    return folder


def read(run):
    return events_section(RunFiles(run))


def test_an_event_is_told_with_its_cause_text_norms_and_answer(tmp_path):
    write_event(tmp_path)
    html = read(tmp_path)
    assert "One step was not let through" in html
    assert "train, step 41: gradient not finite" in html
    assert "A root had a zero under it." in html
    assert "the gradient of layers.10.mlp.up_proj.weight: 2 NaN and 0" in html
    assert "went back to the last checkpoint" in html
    assert "0.5 of the schedule" in html
    assert "--- row 3" in html


def test_norms_stand_layer_by_layer_in_the_models_order(tmp_path):
    write_event(tmp_path)
    html = read(tmp_path)
    places = [html.index(f">{n}<") for n in ("layers.2", "layers.10")]
    assert html.index(">embed_tokens<") < places[0] < places[1]
    second = html[places[0] : places[1]]
    assert '<td class="n">5</td><td class="n">10</td>' in second  # 3, 4 and 6, 8
    assert '<td class="n">nan</td>' in html[places[1] :]


def test_the_text_of_a_batch_is_harmless_and_short(tmp_path):
    write_event(tmp_path)
    html = read(tmp_path)
    assert "<script" not in html
    assert html.count("x") < 2_000


def test_events_of_all_stages_are_listed_and_the_first_ones_told(tmp_path):
    for step in range(MOST_SHOWN + 3):
        write_event(tmp_path, step=step + 1)
    write_event(tmp_path, stage="align", step=7)
    html = read(tmp_path)
    assert f"{MOST_SHOWN + 4} steps were not let through" in html
    assert html.count("<h3>") == MOST_SHOWN
    assert "4 more are in the run" in html
    assert ">align<" in html


def test_a_run_without_events_says_so(tmp_path):
    assert "Nothing was trained yet." in read(tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "started.json").write_text("{}")
    assert "None: every loss was finite" in read(tmp_path)


def test_an_event_that_cannot_be_read_is_passed_over(tmp_path):
    write_event(tmp_path)
    broken = write_event(tmp_path, step=50)
    (broken / "event.json").write_text('{"step": 5')
    (write_event(tmp_path, step=51) / "batch.txt").unlink()
    html = read(tmp_path)
    assert "2 steps were" in html
    assert "No text was kept." in html
