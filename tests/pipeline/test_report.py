import html.parser
import inspect
import math
import random
import re
import shutil
import xml.etree.ElementTree as ET

import pytest

from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.errors import UserError
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.base.page import esc
from scratchlm.evaluate.conversations import Answer, judge_answers
from scratchlm.evaluate.match import token_f1
from scratchlm.pipeline.events import stage_done, stage_started
from scratchlm.pipeline.report import loss_curve_svg, render_report, write_report
from scratchlm.pipeline.stages import STAGE_NAMES
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

EVIL = '</script><img src=x onerror="alert(1)"> & \x00\x1b[31m \udcff'
FAILED = "could not be written"
VOID = {"meta", "img", "line", "circle", "polyline", "polygon", "rect", "br"}


class Page(html.parser.HTMLParser):
    """Reads a page strictly: what is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.words = [], [], [], []
        self.attributes = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def build_run(directory, word="word"):
    """A finished run, every file in the shape in which its stage writes it."""
    write_text(
        directory / "recipe.toml",
        'title = "a test"\n[train]\nmax_grad_norm = 1.0\n'
        "[model]\nn_layers = 6 # depth\nd_model = 192\n",
    )
    write_json(
        directory / "dial.json",
        {"reasons": {"model.n_layers": f"because {word}"}, "notes": ["text limits"]},
    )
    write_json(
        directory / "manifest.json",
        {"command": "scratchlm run laptop", "machine": {"cores": 2}, "seeds": {"s": 1}},
    )
    _write_metrics(directory / "metrics.jsonl")
    _write_text_stages(directory, word)
    _write_evaluations(directory, word)
    _write_exports(directory)
    for stage in STAGE_NAMES:
        marker = {"key": "k" * 64, "config": "c", "inputs": {}, "outputs": {"a": "b"}}
        write_json(directory / stage / "stage.json", {**marker, "summary": word})
    return directory


def _write_metrics(path):
    rng = random.Random(0)
    for stage in STAGE_NAMES:
        stage_started(path, stage, continues=False)
        if stage in ("train", "finetune", "align"):
            _write_losses(path, stage, rng)
        stage_done(path, stage, 12.5)
    stage_started(path, "train", continues=True)
    stage_done(path, "train", 3.0)


def _write_losses(path, stage, rng):
    with MetricsWriter(path, stage) as metrics:
        for step in range(1, 301):
            row = {
                f"{stage}/loss": 2 + 6 * math.exp(-step / 60) + rng.gauss(0, 0.05),
                f"{stage}/lr": 1e-3 * min(step / 30, (300 - step) / 270),
                f"{stage}/grad_norm": math.exp(rng.gauss(-0.5, 0.7)),
                f"{stage}/tokens_per_s": 5000.0,
            }
            if step % 100 == 0 and stage == "train":
                row["val/bits_per_byte"] = 2.5 - step / 400
            metrics.write(step, row)


def _write_text_stages(directory, word):
    dropped = {"binary": {"count": 2, "bytes": 9, "examples": [word, "b.bin"]}}
    step = {"step": "collect", "unit": "files", "in": 9, "kept": 7, "kept_bytes": 900}
    receipt = {"synthetic": True, "steps": [{**step, "reasons": dropped}], "x": word}
    write_json(directory / "corpus" / "receipt.json", receipt)
    text = inspect.getsource(random)
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [text])
    tokenizer.save(directory / "tokenizer" / "tokenizer.json")
    split = {"n_tokens": 1000, "n_bytes": 3400, "n_documents": 5}
    write_json(directory / "data" / "shards.json", {"splits": {"train": split}})
    with MetricsWriter(directory / "samples.jsonl", "train") as samples:
        for step in (100, 200):
            text = f"{word} after {step}"
            samples.write(step, {"samples/0_prompt": "def", "samples/0_text": text})


def _write_evaluations(directory, word):
    bits = {"value": 1.6, "low": 1.5, "high": 1.7, "n_documents": 3, "n_bytes": 99}
    packed = {"per_file_bits_per_byte": 2.0, "archive_bits_per_byte": 1.7}
    document = {"name": word, "n_bytes": 9, "bits_per_byte": 1, "xz_bits_per_byte": 2}
    write_json(
        directory / "evaluate_base" / "evaluation.json",
        {"bits_per_byte": bits, "compression": packed, "documents": [document]},
    )
    references = [f"Return the {i}th {word}." for i in range(20)]
    answers = [
        Answer(f"{kind}/{i}", kind, f"What? {word}", r, r, True, token_f1(r, r))
        for kind in ("asked", "unasked", "heldout")
        for i, r in enumerate(references)
    ]
    change = {"asked": {"value": -0.1, "low": -0.2, "high": -0.01}}
    report = {**judge_answers(answers, references), "change": change}
    path = directory / "evaluate_chat" / "evaluation.json"
    write_json(path, {**report, "bits_per_byte": bits})
    before, after = {"value": 0.6, "low": 0.5, "high": 0.7}, {"value": 0.8}
    kind = {"n_pairs": 9, "before_frac": before, "after_frac": after}
    gain = {"change_frac": {"value": 0.2, "low": 0.1, "high": 0.3}}
    accuracy = {"hard": {**kind, **gain, "excludes_zero": True}}
    write_json(directory / "evaluate_chat" / "preferences.json", accuracy)


def _write_exports(directory):
    receipt = {
        "method": "awq",
        "bits": 4,
        "group_size": 32,
        "file_bytes": {"bfloat16": 9_000_000, "quantized": 3_000_000, "ratio": 3.0},
        "full_precision": {"bfloat16": ["embed_tokens.weight"], "float32": []},
    }
    compared = {"bf16": {"value": 2.0}, "quantized": {"value": 2.02}, "ratio": 1.01}
    write_json(directory / "quantize" / "comparison.json", compared)
    write_json(directory / "quantize" / "receipt.json", receipt)
    formats = {
        "scratchlm": {"written": True, "what": "our own safetensors"},
        "gguf": {"written": False, "reason": "no architecture holds post-norm"},
    }
    files = {"scratchlm/model.json": {"bytes": 900, "sha256": "f" * 64}}
    write_json(
        directory / "export" / "receipt.json", {"formats": formats, "files": files}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture(scope="module")
def page(run):
    return Page(write_report(run).read_text(encoding="utf-8"))


def test_the_report_is_one_file_that_asks_the_network_for_nothing(run, page):
    text = (run / "report.html").read_text(encoding="utf-8")
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in text and "@import" not in text
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert links and all(link.startswith("#") for link in links)


def test_every_link_leads_to_a_section_and_every_section_is_linked(page):
    links = {v.removeprefix("#") for n, v in page.attributes if n == "href"}
    assert links == set(page.ids) and len(page.ids) == len(set(page.ids))


def test_every_chapter_of_a_whole_run_can_be_written(page):
    assert FAILED not in page.text


def test_the_story_stands_in_the_order_of_the_stages(page):
    order = ["corpus", "tokenizer", "train", "base", "finetune", "align", "chat"]
    order += ["quantize", "export"]
    places = [page.ids.index(name) for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "sentence",
    [
        "Training loss fell from 7.",
        "Clipping at 1 shortened",
        "The learning rate reached 0.001 at step 30",
        "On held-out text the model went from 2.25 to 1.75 bits per byte",
        "1.600 bits per byte, fewer than xz in both forms (2.000 and 1.700)",
        "The answers fit their questions better than both straw men, in each kind",
        "raised the accuracy in 1 of 1 kinds of pairs, in 1 by more than the interval",
        "the quantised model needs 1.00 % more bits per byte",
        "no architecture holds post-norm",
        "train was interrupted and continued: 2 attempts",
        "preference training lowered the token F1",
        "scratchlm run laptop",
        "are synthetic",
        "because word",
        "word after 200",
        "3.0 times smaller, +1.00 % bits per byte",
        "16 s",
    ],
)
def test_the_report_says(page, sentence):
    assert sentence in page.text


def test_figures_are_named_and_their_points_reachable_as_tables(run, page):
    text = (run / "report.html").read_text(encoding="utf-8")
    drawings = re.findall(r"<svg.*?</svg>", text)
    assert len(drawings) >= 9
    assert all(ET.fromstring(drawing).get("aria-label") for drawing in drawings)
    assert text.count("The points as a table") == 6
    assert page.tags.count("figure") == len(drawings)


def test_best_median_and_worst_answers_of_each_kind_can_be_opened(page):
    for name in ("best (5)", "median (5)", "worst (5)"):
        assert page.text.count(name) == 3
    assert "Return the 10th word." in page.text


@pytest.mark.parametrize("missing", STAGE_NAMES)
def test_a_stage_that_has_not_run_is_said_to_be_not_run_yet(copy, missing):
    shutil.rmtree(copy / missing)
    page = Page(render_report(copy))
    assert "not run yet" in page.text.lower()
    assert "9 of 10" in page.text and FAILED not in page.text


def test_an_empty_run_has_a_report_too(tmp_path):
    assert "0 of 10" in Page(render_report(tmp_path)).text


def test_a_run_killed_within_a_line_has_a_report(copy):
    run = copy
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "train", "step": 299, "train/loss": NaN}\n')
        file.write('{"stage": "train", "st')
    (run / "train" / "stage.json").unlink()
    (run / "export" / "receipt.json").write_text('{"formats": ')
    page = Page(render_report(run))
    assert "Training loss fell" in page.text
    assert "export/receipt.json cannot be read" in page.text
    assert "1 metrics of train are not finite" in page.text


@pytest.mark.parametrize(
    "value",
    [
        [],
        3,
        None,
        {"a": [1, {"b": 2}]},
        {"kinds": [1], "steps": 3, "bits_per_byte": "x", "formats": {"a": 3}},
        {"kinds": {"asked": None}, "steps": [{"dropped": 3}], "reasons": 3},
        {"bits_per_byte": {"value": "x"}, "compression": 3, "file_bytes": [1]},
    ],
)
def test_files_of_another_shape_do_not_stop_the_report(copy, value):
    for path in sorted(copy.rglob("*.json")):
        write_json(path, value)
    page = Page(render_report(copy))
    assert "How to repeat it" in page.text and set(page.ids) >= {"train", "chat"}


def test_a_chapter_that_cannot_be_written_says_so_and_only_that_one(copy):
    write_json(copy / "evaluate_chat" / "evaluation.json", {"kinds": {"asked": 3}})
    page = Page(render_report(copy))
    assert page.text.count(FAILED) >= 1 and "chat" in page.ids
    assert "no architecture holds post-norm" in page.text


def test_words_of_models_and_files_never_become_markup(tmp_path):
    evil = EVIL.replace("\udcff", "")
    page = Page(render_report(build_run(tmp_path / "r", evil)))
    assert "img" not in page.tags and "script" not in page.tags
    assert "onerror" in page.text and "\x1b" not in page.text
    assert esc(EVIL).encode() and "<" not in esc(EVIL)


def test_the_loss_curve_of_the_metrics_is_a_valid_figure_file(run, tmp_path):
    drawing = loss_curve_svg(read_metrics(run / "metrics.jsonl"))
    tree = ET.fromstring(drawing)
    assert "Training loss fell" in tree.get("aria-label")
    assert drawing == loss_curve_svg(read_metrics(run / "metrics.jsonl")[::-1])
    with pytest.raises(UserError, match="no row of pretraining"):
        loss_curve_svg([])


def test_where_there_is_no_run_there_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="is no run directory"):
        write_report(tmp_path / "none")
