"""Laws of reading a classic model."""

import torch

from scratchlm.cli.entry import run_command
from scratchlm.model import Transformer, load_model
from scratchlm.model.classic import LLMConfig, build_classic_config, save_classic


def test_a_classic_file_becomes_a_model_folder_with_the_same_logits(tmp_path, capsys):
    torch.manual_seed(0)
    llm = LLMConfig(
        vocab_size=50,
        hidden_size=16,
        max_position_embeddings=12,
        num_hidden_layers=2,
        num_attention_heads=4,
    )
    model = Transformer(build_classic_config(llm)).eval()
    save_classic(model, tmp_path / "classic.safetensors")
    out = tmp_path / "model"
    words = ["import", str(tmp_path / "classic.safetensors"), "--out", str(out)]
    assert run_command(words) == 0
    assert "2 layers of 16, 4 heads, 50 tokens" in capsys.readouterr().out
    tokens = torch.arange(12)[None] % 50
    assert torch.equal(load_model(out)(tokens), model(tokens))


def test_a_file_that_is_no_model_is_one_line(tmp_path, capsys):
    (tmp_path / "x.safetensors").write_text("no")
    words = ["import", str(tmp_path / "x.safetensors"), "--out", str(tmp_path / "o")]
    assert run_command(words) == 2
    assert capsys.readouterr().err.count("\n") == 1
