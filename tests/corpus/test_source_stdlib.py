import ast
import sys
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.source_stdlib import FEWEST_MODULES, collect_stdlib

NAMES = sorted(sys.stdlib_module_names - {"this", "antigravity"})[: FEWEST_MODULES + 9]
HEADER = "# Copyright {} Somebody, Inc.\n# Licensed to somebody else.\n"


@pytest.fixture(scope="module")
def collected():
    receipt = Receipt()
    return collect_stdlib(receipt), receipt


def write_library(root: Path, files: dict[str, str]) -> None:
    for name in NAMES:
        files.setdefault(f"{name}.py", f'"""Module {name}."""\nx = 1\n')
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_running_python_gives_its_modules_and_topics(collected):
    documents, receipt = collected
    modules = {d.metadata["module"]: d for d in documents if "module" in d.metadata}
    topics = [d for d in documents if d.source == "pydoc-topics"]
    assert {"json.decoder", "argparse", "asyncio", "email.message"} <= set(modules)
    assert 300 < len(modules) < 800
    assert len(topics) > 50
    assert 6e6 < sum(d.n_bytes for d in documents) < 14e6
    assert "Python Software Foundation" in receipt.steps[0].notes["notice"]


def test_no_tests_tables_or_frozen_tools_are_among_them(collected):
    documents, receipt = collected
    names = {d.id for d in documents}
    for left_out in ("encodings.utf_8", "idlelib.run", "lib2to3.main", "ensurepip"):
        assert left_out not in names
    assert not any("test" in name.split(".") for name in names)
    assert "html.entities" in receipt.steps[0].dropped["one big literal"].examples


def test_modules_are_still_programs_and_documents_have_unique_ids(collected):
    documents, _ = collected
    assert len({d.id for d in documents}) == len(documents)
    for document in documents[::17]:
        if "module" in document.metadata:
            ast.parse(document.text)


def test_repeated_licence_comments_go_and_single_ones_stay(tmp_path):
    files = {
        f"{NAMES[n]}.py": HEADER.format(2000 + n) + "\nimport os\n" for n in range(3)
    }
    own = "# Copyright Ada, who wrote only this.\n\nimport sys\n"
    write_library(tmp_path, {**files, f"{NAMES[3]}.py": own})
    receipt = Receipt()
    texts = {d.id: d.text for d in collect_stdlib(receipt, tmp_path)}
    assert [texts[name] for name in NAMES[:4]] == ["import os\n"] * 3 + [own]
    assert receipt.steps[0].notes["repeated_licence_comments_removed"] == 3


def test_a_module_that_is_a_table_is_left_out_and_one_with_a_table_is_not(tmp_path):
    table = "rows = {\n" + '    "key": "value of some length",\n' * 300 + "}\n"
    code = "def f():\n    return 1\n" * 400
    write_library(tmp_path, {f"{NAMES[0]}.py": table, f"{NAMES[1]}.py": table + code})
    receipt = Receipt()
    names = {d.id for d in collect_stdlib(receipt, tmp_path)}
    assert NAMES[0] not in names and NAMES[1] in names


def test_what_is_not_the_library_itself_is_left_out(tmp_path):
    extra = {"site-packages/pip.py": "x", "sitecustomize.py": "x", "test/a.py": "x"}
    write_library(tmp_path, extra)
    receipt = Receipt()
    assert {d.id for d in collect_stdlib(receipt, tmp_path)} == set(NAMES)
    assert "pydoc topics" in str(receipt.steps[1].to_json())


def test_a_python_without_sources_gets_one_line_that_names_text(tmp_path):
    with pytest.raises(UserError, match="--text DIR_OR_FILES") as caught:
        collect_stdlib(Receipt(), tmp_path)
    assert "\n" not in str(caught.value)
