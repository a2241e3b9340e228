import inspect
import json
import random
import subprocess
import sys
import textwrap

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.corpus.document import Document
from scratchlm.evaluate import EvaluateConfig, evaluate_base, evaluate_chat
from scratchlm.evaluate.compression import count_xz_bytes
from scratchlm.evaluate.evaluate import select_documents
from scratchlm.model.weights import save_model

MACHINE = MachineConfig(threads=1)
CONFIG = EvaluateConfig(max_new_tokens=4, max_questions=5)
DOCUMENTS = [
    Document(f"doc/{name}", text, "test")
    for name, text in [
        ("b", inspect.getsource(textwrap.dedent)),
        ("a", inspect.getsource(random.expovariate)),
        ("c", "äöü " * 50),
    ]
]


def build_rows():
    rows = []
    for i in range(24):
        kind = ("asked", "unasked", "heldout")[i % 3]
        rows.append(
            {
                "id": f"{kind}/{i}",
                "kind": kind,
                "split": "train" if kind == "asked" else "test",
                "test_asked": kind == "asked",
                "messages": [
                    {"role": "user", "content": f"What is {i}?"},
                    {"role": "assistant", "content": f"It is {i}."},
                ],
                "reference": f"It is {i}.",
            }
        )
    return rows


@pytest.fixture(scope="module")
def model_directory(tokenizer, build_random_model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    save_model(build_random_model(tokenizer.vocab_size, context_length=32), directory)
    return directory


def test_the_base_model_stands_beside_xz_on_the_same_bytes(
    model_directory, tokenizer, tmp_path
):
    result = evaluate_base(
        CONFIG, model_directory, tokenizer, DOCUMENTS, tmp_path, MACHINE
    )
    assert result == json.loads((tmp_path / "evaluation.json").read_text())
    n_bytes = sum(document.n_bytes for document in DOCUMENTS)
    assert result["bits_per_byte"]["n_bytes"] == n_bytes
    assert result["compression"]["n_bytes"] == n_bytes
    rows = result["documents"]
    assert [row["name"] for row in rows] == ["doc/a", "doc/b", "doc/c"]
    exact = 8 * count_xz_bytes(DOCUMENTS[0].text.encode()) / DOCUMENTS[0].n_bytes
    assert rows[1]["xz_bits_per_byte"] == pytest.approx(exact, abs=1e-6)
    bits = sum(row["bits_per_byte"] * row["n_bytes"] for row in rows)
    assert bits / n_bytes == pytest.approx(result["bits_per_byte"]["value"], abs=1e-5)


def test_two_evaluations_of_one_model_write_the_same_bytes(
    model_directory, tokenizer, tmp_path
):
    written = []
    for name, documents, rows in [
        ("one", DOCUMENTS, build_rows()),
        ("two", DOCUMENTS[::-1], build_rows()[::-1]),
    ]:
        base, chat = tmp_path / name / "base", tmp_path / name / "chat"
        evaluate_base(CONFIG, model_directory, tokenizer, documents, base, MACHINE)
        evaluate_chat(
            CONFIG, model_directory, tokenizer, rows, documents, chat, MACHINE
        )
        files = sorted((tmp_path / name).rglob("*.json*"))
        written.append([path.read_bytes() for path in files])
    assert len(written[0]) == 3 and written[0] == written[1]


def test_the_chat_model_is_judged_by_kind_and_against_its_former_self(
    model_directory, tokenizer, tmp_path
):
    result = evaluate_chat(
        CONFIG,
        model_directory,
        tokenizer,
        build_rows(),
        DOCUMENTS,
        tmp_path,
        MACHINE,
        before_directory=model_directory,
    )
    assert list(result["kinds"]) == ["asked", "unasked", "heldout"]
    assert all(judged["n"] == 5 for judged in result["kinds"].values())
    assert result["before"]["asked"]["f1"] == result["kinds"]["asked"]["f1"]
    assert all(change["value"] == 0 for change in result["change"].values())
    assert result["bits_per_byte"]["n_documents"] == 3
    answers = (tmp_path / "answers.jsonl").read_text().splitlines()
    assert len(answers) == 15 and json.loads(answers[0])["kind"] == "asked"


def test_held_out_text_beyond_the_limit_is_left_out_whole():
    documents = [Document(f"{i}", "x" * 100, "test") for i in range(20)]
    config = EvaluateConfig(max_heldout_bytes=450)
    chosen = select_documents(documents, config)
    assert len(chosen.texts) == 4 and chosen.n_left_out == 16
    assert chosen == select_documents(documents[::-1], config)
    assert list(chosen.names) == sorted(chosen.names)


def test_one_huge_document_is_shortened_between_characters():
    config = EvaluateConfig(max_document_bytes=101)
    chosen = select_documents([Document("a", "ä" * 500, "test")], config)
    assert chosen.texts == ("ä" * 50,) and chosen.n_shortened == 1


def test_without_held_out_text_there_is_one_clear_line():
    with pytest.raises(UserError, match="no held-out text") as caught:
        select_documents([Document("a", "", "test")], EvaluateConfig())
    assert "\n" not in str(caught.value)


def test_configuration_and_statistics_import_no_torch():
    script = (
        "import sys; from scratchlm.evaluate import EvaluateConfig, token_f1;"
        "from scratchlm.evaluate import measure_compression;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_context_longer_than_the_model_has_is_cut_to_the_models(
    model_directory, tokenizer, tmp_path
):
    config = EvaluateConfig(context_length=4096)
    result = evaluate_base(
        config, model_directory, tokenizer, DOCUMENTS[:1], tmp_path, MACHINE
    )
    assert result["context_length"] == 32
