"""Laws of the model card."""

import re

from scratchlm.export import build_card

from .conftest import build_config

FORMATS = {"huggingface/": "Qwen3ForCausalLM", "model.gguf": "f16"}


def card(name="modern", **changes):
    options = {"name": "tiny", "formats": FORMATS, "summary": {}} | changes
    return build_card(build_config(name), options.pop("tokenizer", None), **options)


def test_the_card_says_what_the_model_is():
    text = card()
    assert text.startswith("---\n")
    assert "# tiny" in text
    assert f"{build_config('modern').n_parameters:,}" in text
    assert "4 of 16 channels, 2 for keys and values, query-key norms" in text
    assert "RMSNorm, before each sub-layer" in text
    assert "after each residual sum" in card("diagram")


def test_figures_and_files_stand_in_their_order():
    text = card(summary={"Held-out bits per byte": 1.60234, "Tokens": "3.5 M"})
    figures = [line for line in text.splitlines() if line.startswith("| ")]
    assert "| Held-out bits per byte | 1.602 |" in figures
    assert text.index("1.602") < text.index("3.5 M") < text.index("model.gguf")


def test_a_cell_cannot_break_its_table():
    text = card(summary={"odd | name": "two\nlines"})
    assert "| odd \\| name | two lines |" in text


def test_the_notice_of_the_data_is_carried_whole():
    notice = "Copyright (c) someone.\n\nAll rights reserved."
    assert notice in card(notice=notice)
    assert "Licence of the data" not in card()


def test_use_is_shown_only_where_transformers_loads_it(tokenizer):
    assert "from transformers" in card(tokenizer=tokenizer)
    assert "from transformers" not in card(tokenizer=tokenizer, loadable=False)


def test_the_card_knows_no_date_and_no_place():
    assert not re.search(r"20\d\d-|/home|/tmp|/root", card(summary={"a": 1}))
