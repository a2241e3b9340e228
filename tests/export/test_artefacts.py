"""Laws of an export: complete, proven, repeatable; a refusal is a result."""

import hashlib
import json
import shutil

import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.export import ExportConfig, export
from scratchlm.model.weights import load_model
from scratchlm.tokenizer import Tokenizer


def contents(directory):
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def exported(model_directories, tokenizer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export")
    receipt = export(
        ExportConfig(), model_directories / "modern", tokenizer, directory, notice="N."
    )
    return directory, receipt


def test_every_promised_file_is_there_and_in_the_receipt(exported):
    directory, receipt = exported
    files = contents(directory)
    huggingface = {"config.json", "generation_config.json", "model.safetensors"}
    huggingface |= {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}
    own = {"model.json", "model.safetensors", "tokenizer.json"}
    expected = {f"huggingface/{name}" for name in huggingface}
    expected |= {f"scratchlm/{name}" for name in own}
    expected |= {"model.gguf", "README.md"}
    assert files.keys() == expected | {"receipt.json"}
    assert receipt["files"].keys() == expected
    for name, entry in receipt["files"].items():
        assert entry["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert entry["bytes"] == len(files[name])


def test_every_format_is_proven(exported):
    proofs = {
        name: entry["verification"] for name, entry in exported[1]["formats"].items()
    }
    assert proofs["huggingface"]["weights_relative_error"] == 0
    assert proofs["scratchlm"]["weights_relative_error"] == 0
    assert 0 < proofs["gguf"]["weights_relative_error"] < 1e-3
    assert all(proof["same_top_token_frac"] > 0.9 for proof in proofs.values())


def test_the_tokenizer_in_each_format_gives_the_same_ids(exported):
    formats = exported[1]["formats"]
    for name in ("huggingface", "gguf"):
        proof = formats[name]["tokenizer_verification"]
        assert proof["verified"], name
        assert proof["mismatches"] == 0 < proof["n_strings"]
    chat = formats["huggingface"]["tokenizer_verification"]["chat"]
    assert not any(chat["different"].values())


def test_a_split_that_llama_cpp_does_not_know_is_one_line_of_the_receipt(
    model_directories, tmp_path
):
    tokenizer = Tokenizer.own([], "digits2", vocab_size=320)
    receipt = export(
        ExportConfig(formats=("huggingface", "gguf")),
        model_directories / "modern",
        tokenizer,
        tmp_path,
    )
    assert receipt["formats"]["huggingface"]["written"]
    assert not receipt["formats"]["gguf"]["written"]
    assert "pattern digits2" in receipt["formats"]["gguf"]["reason"]
    assert not (tmp_path / "model.gguf").exists()


def test_the_receipt_on_disk_is_the_one_returned(exported):
    directory, receipt = exported
    assert json.loads((directory / "receipt.json").read_text()) == receipt


def test_our_own_format_loads_back(exported, tokenizer):
    directory, _ = exported
    assert load_model(directory / "scratchlm").config.n_layers == 2
    own = Tokenizer.load(directory / "scratchlm" / "tokenizer.json")
    assert own.sha256 == tokenizer.sha256


def test_exporting_again_elsewhere_gives_the_same_bytes(
    exported, model_directories, tokenizer, tmp_path
):
    directory, _ = exported
    target = tmp_path / "a much longer name"
    export(ExportConfig(), model_directories / "modern", tokenizer, target, notice="N.")
    assert contents(target) == contents(directory)


def test_exporting_over_an_older_export_leaves_nothing_of_it(
    model_directories, tokenizer, tmp_path
):
    export(ExportConfig(), model_directories / "modern", tokenizer, tmp_path)
    receipt = export(ExportConfig(), model_directories / "diagram", tokenizer, tmp_path)
    assert not (tmp_path / "huggingface").exists()
    assert not (tmp_path / "model.gguf").exists()
    assert contents(tmp_path).keys() == receipt["files"].keys() | {"receipt.json"}


def test_diagram_writes_its_own_format_and_one_line_for_each_other(
    model_directories, tokenizer, tmp_path
):
    receipt = export(ExportConfig(), model_directories / "diagram", tokenizer, tmp_path)
    written = {name: entry["written"] for name, entry in receipt["formats"].items()}
    assert written == {"huggingface": False, "gguf": False, "scratchlm": True}
    for name in ("huggingface", "gguf"):
        reason = receipt["formats"][name]["reason"]
        assert "norms after each residual sum" in reason
        assert "\n" not in reason
    card = (tmp_path / "README.md").read_text()
    assert "not here: no known architecture" in card
    assert "from transformers" not in card


def test_a_quantised_model_goes_out_with_its_own_codes(
    model_directories, tokenizer, tmp_path
):
    directory = model_directories / "modern_4_bits"
    receipt = export(ExportConfig(), directory, tokenizer, tmp_path)
    assert receipt["formats"]["gguf"]["what"].endswith("q4_1")
    assert receipt["formats"]["gguf"]["verification"]["weights_relative_error"] < 5e-3
    own = (tmp_path / "scratchlm" / "model.safetensors").read_bytes()
    assert own == (directory / "model.safetensors").read_bytes()


def test_a_quantised_model_beside_it_becomes_a_second_gguf_file(
    model_directories, tokenizer, tmp_path
):
    small = model_directories / "modern_4_bits"
    receipt = export(
        ExportConfig(),
        model_directories / "modern",
        tokenizer,
        tmp_path,
        quantized_directory=small,
    )
    assert receipt["formats"]["gguf_4_bits"]["what"].endswith("q4_1")
    sizes = {name: entry["bytes"] for name, entry in receipt["files"].items()}
    assert sizes["model-4-bits.gguf"] < sizes["model.gguf"]
    export(ExportConfig(), model_directories / "modern", tokenizer, tmp_path)
    assert not (tmp_path / "model-4-bits.gguf").exists()


def test_a_folder_that_is_no_export_is_never_touched(
    model_directories, tokenizer, tmp_path
):
    (tmp_path / "scratchlm").mkdir()
    (tmp_path / "scratchlm" / "precious.py").write_text("keep me")
    with pytest.raises(UserError, match="holds scratchlm but no receipt"):
        export(ExportConfig(), model_directories / "modern", tokenizer, tmp_path)
    assert contents(tmp_path) == {"scratchlm/precious.py": b"keep me"}


def test_an_export_that_was_cut_off_is_made_anew_with_the_same_bytes(
    exported, model_directories, tokenizer, tmp_path
):
    directory, _ = exported
    shutil.copytree(directory / "huggingface", tmp_path / "huggingface")
    (tmp_path / "model.gguf").write_bytes(b"GGUF, and then the power went")
    (tmp_path / "receipt.json").write_text('{"formats": {}, "unfinished": true}')
    source = model_directories / "modern"
    export(ExportConfig(), source, tokenizer, tmp_path, notice="N.")
    assert contents(tmp_path) == contents(directory)


def test_other_files_of_the_folder_stay_out_of_the_receipt(
    model_directories, tokenizer, tmp_path
):
    (tmp_path / "stage.json").write_text("{}")
    receipt = export(ExportConfig(), model_directories / "modern", tokenizer, tmp_path)
    assert "stage.json" not in receipt["files"]
    assert (tmp_path / "stage.json").exists()


def test_only_the_formats_asked_for_are_written(model_directories, tokenizer, tmp_path):
    config = ExportConfig(formats=("gguf",))
    export(config, model_directories / "modern", tokenizer, tmp_path)
    assert contents(tmp_path).keys() == {"model.gguf", "README.md", "receipt.json"}


def test_a_tokenizer_of_another_model_is_refused(model_directories, tmp_path):
    foreign = Tokenizer.own([], vocab_size=300)
    with pytest.raises(UserError, match="300 tokens, the model 320"):
        export(ExportConfig(), model_directories / "modern", foreign, tmp_path)
    assert not contents(tmp_path)


def test_weights_without_a_tokenizer_can_be_exported(model_directories, tmp_path):
    receipt = export(ExportConfig(), model_directories / "classic", None, tmp_path)
    assert all(entry["written"] for entry in receipt["formats"].values())
    assert "huggingface/tokenizer.json" not in receipt["files"]


def test_an_unknown_format_is_refused():
    with pytest.raises(UserError, match="formats"):
        build_config(ExportConfig, {"formats": ["onnx"]})
