"""Laws of the manifest: everything that is needed to repeat a run, and no time."""

import subprocess

from scratchlm.pipeline.manifest import build_manifest, collect_seeds, find_commit


def test_every_seed_of_a_recipe_is_listed_by_its_key():
    recipe = {"seed": 1, "train": {"seed": 2, "lr": 3}, "a": {"b": {"seed": 4}}}
    assert collect_seeds(recipe) == {"seed": 1, "train.seed": 2, "a.b.seed": 4}


def test_a_manifest_is_the_same_whenever_it_is_made():
    first = build_manifest({"train": {"seed": 0}}, {"text/a": "00"}, "scratchlm run x")
    assert first == build_manifest(
        {"train": {"seed": 0}}, {"text/a": "00"}, "scratchlm run x"
    )
    assert first["packages"]["torch"]
    assert first["machine"]["cores"] >= 1 and first["machine"]["cpu"]
    assert first["inputs"] == {"text/a": "00"}


def test_the_commit_is_that_of_the_codes_own_repository(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
        subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True)

    assert find_commit(tmp_path) is None
    git("init", "-q")
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    commit = find_commit(tmp_path)
    assert commit is not None and len(commit) == 40
    assert find_commit(tmp_path / "other") is None, "code that git does not know"
    (tmp_path / "file").write_text("2")
    assert find_commit(tmp_path) == f"{commit}+changes"
