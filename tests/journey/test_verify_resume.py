"""`scratchlm verify-resume` with one kill: the real command, real processes."""

from scratchlm.cli.entry import run_command
from scratchlm.pipeline import verify_resume


def test_a_recipe_is_proved_on_this_machine(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(verify_resume, "TRAINING_S", 0.0)
    monkeypatch.setattr(verify_resume, "FIRST_STEPS", 32)
    words = ["verify-resume", "laptop", "machine.threads=1", "model.dropout=0.1"]
    assert run_command([*words, "--kills", "1", "--runs-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("1 kills") and said[-1].startswith("the same bits")
