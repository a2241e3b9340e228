"""What is shipped: Python alone, all of it, and nothing of the place it was made in."""

import fnmatch
import re
import subprocess
import tomllib

import pytest

import scratchlm


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())


def test_no_path_of_a_machine_is_written_down(written, repository):
    """Where somebody's checkout, home or data lies is nobody else's business."""
    roots = "|".join(("work", "root", "farm", "home", "Users", "mnt"))
    pattern = re.compile(rf"(?<![\w.~-])/(?:{roots})/(?!me\b)[A-Za-z.]")
    found = [
        f"{path.relative_to(repository)}: {line.strip()[:80]}"
        for path, text in written.items()
        for line in text.splitlines()
        if pattern.search(line)
    ]
    assert not found


def test_a_machine_without_a_compiler_can_install_it(repository, project):
    """tests/native/test_native.py builds it without one."""
    assert project["build-system"]["build-backend"] == "setuptools.build_meta"
    assert not (repository / "setup.py").exists()
    [core] = project["tool"]["setuptools"]["ext-modules"]
    assert core["optional"] is True
    written = sorted((repository / "src").rglob("*.c"))
    assert sorted(repository / name for name in core["sources"]) == written


def test_every_file_of_the_package_is_shipped(repository, project):
    """Python files by discovery, the rest because pyproject.toml names it."""
    package = repository / "src" / "scratchlm"
    patterns = project["tool"]["setuptools"]["package-data"]["scratchlm"]
    for path in package.rglob("*"):
        name = path.relative_to(package).as_posix()
        if path.is_file() and path.suffix not in (".py", ".pyc", ".so", ".pyd"):
            assert any(fnmatch.fnmatch(name, p) for p in patterns), name
    for path in package.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path


def test_the_version_is_said_once(project):
    assert project["project"]["version"] == scratchlm.__version__


def test_python_and_torch_are_those_that_are_tested(repository, project):
    assert project["project"]["requires-python"] == ">=3.11"
    [torch] = [d for d in project["project"]["dependencies"] if d.startswith("torch")]
    makefile = (repository / "Makefile").read_text()
    pinned = re.search(r"^TORCH \?= (\S+)$", makefile, re.MULTILINE)
    assert pinned and torch.endswith(f"<={pinned[1]}")


def test_every_dependency_is_used(repository, project, sources):
    imported = "\n".join(path.read_text() for path in sources)
    modules = {"charset-normalizer": "charset_normalizer", "tomli-w": "tomli_w"}
    for_others = {"lxml-html-clean"}  # trafilatura imports it and does not name it
    for requirement in project["project"]["dependencies"]:
        name = re.match(r"[\w-]+", requirement)[0]
        if name in for_others:
            continue
        module = modules.get(name, name)
        assert re.search(rf"\b(import|from) {module}\b", imported), name


def test_no_large_file_is_kept(repository):
    """Figures and fixtures stay below half a megabyte; GPT-2's merges are the most."""
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git checkout")
    for name in filter(None, done.stdout.split("\0")):
        path = repository / name
        assert not path.exists() or path.stat().st_size < 1_000_000, name


def test_the_gate_of_ci_begins_with_the_test_command(repository):
    script = (repository / ".ci" / "run").read_text()
    assert script.startswith("#!/usr/bin/env bash")
    assert "set -euo pipefail" in script
    lines = [
        line for line in script.splitlines() if not line.startswith(("#", "set", "cd"))
    ]
    assert lines[0] == "make test"
    assert (repository / ".ci" / "run").stat().st_mode & 0o111
