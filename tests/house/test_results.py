"""Claims come from files that scripts wrote, and the README from those files."""

import importlib
import json

import pytest


@pytest.fixture
def benchmark(repository, monkeypatch):
    """Import a script of the benchmarks by its name."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module


def results(repository):
    paths = sorted((repository / "benchmarks" / "results").glob("*.json"))
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def test_a_result_says_what_where_when_and_on_what(repository):
    for path, result in results(repository).items():
        assert result["benchmark"] == path.stem
        assert (repository / "benchmarks" / f"{path.stem}.py").exists()
        assert {"cpu", "cores", "memory_gib", "gpu"} <= set(result["machine"])
        assert result["commit"] and result["date"] and result["versions"]["python"]
        assert result["work"] and result["runs"] and result["claims"]


def test_a_claim_holds_if_and_only_if_its_value_meets_its_goal(repository, benchmark):
    compare = benchmark("result").COMPARISONS
    for path, result in results(repository).items():
        for claim in result["claims"]:
            name, value = claim["claim"], claim["value"]
            sign, _, limit = claim["goal"].partition(" ")
            if value is None:
                assert claim["holds"] is None and claim["why"], f"{path.name}: {name}"
            else:
                holds = compare[sign](value, float(limit))
                assert claim["holds"] == holds, f"{path.name}: {name}"


@pytest.mark.parametrize(
    ("goal", "value", "holds"),
    [
        (">= 200", 200, True),
        ("> 0", 0.0, False),
        ("< 0.3", 0.25, True),
        ("<= 1.03", 1.04, False),
        ("== 1", True, True),
        ("> 0", None, None),
    ],
)
def test_a_claim_is_held_against_its_goal(benchmark, goal, value, holds):
    result = benchmark("result").Result("test", {"of": "the form"})
    result.claim("thing", goal, value)
    assert result.claims[-1]["holds"] is holds


def test_readme_and_chapters_say_what_the_results_say(benchmark):
    """`make readme` fills them; nobody types a figure."""
    readme = benchmark("readme")
    for page, made in readme.pages().items():
        text = page.read_text(encoding="utf-8")
        assert readme.fill(text, made) == text, page.name


def test_a_proof_that_is_not_there_proves_nothing(benchmark):
    readme = benchmark("readme")
    row = {"name": "a thing", "scratchlm": ["yes", "tests/nowhere"]}
    with pytest.raises(readme.UserError, match="tests/nowhere: not there"):
        readme.own_cell(row)


def test_the_figures_of_a_result_stand_between_the_markers(benchmark):
    readme = benchmark("readme")
    text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    assert readme.fill(text, {"x": "new"}) == "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"
    with pytest.raises(readme.UserError, match="lacks the markers"):
        readme.fill(text, {"y": "new"})


def test_a_folder_of_mixed_files_gives_what_can_be_read(benchmark, tmp_path):
    """The benchmark's folder, through the corpus alone: the rest is named."""
    from scratchlm.corpus import CorpusConfig, build_corpus

    mixed, journey = benchmark("mixed_files"), benchmark("journey_text")
    folder = tmp_path / "mixed"
    folder.mkdir()
    expected = mixed.write_mixed_files(folder, journey.sample_texts())
    config = CorpusConfig(source="files", paths=(str(folder),), max_conversations=50)
    corpus = build_corpus(config, tmp_path / "corpus")
    case = journey.Case("mixed", 0, 0.0, "", 0, {"steps": corpus.receipt["steps"]})
    reasons = journey.dropped_files(case)
    for name, word in expected.items():
        assert word in reasons[name]
    assert not set(mixed.usable_names()) & set(reasons)
