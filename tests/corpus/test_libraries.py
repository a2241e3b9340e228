import platform

from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.flow.task import Task, task_key
from scratchlm.corpus.libraries import library_versions
from scratchlm.corpus.steps import rule_settings


def _install(folder, version):
    about = folder / f"trafilatura-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: trafilatura\nVersion: {version}\n"
    )


def _key():
    return task_key(
        Task("read/a", _key, {"settings": rule_settings(CorpusConfig())}), {}
    )


def test_what_another_version_of_an_extractor_read_is_read_again(tmp_path, monkeypatch):
    before = _key()
    assert _key() == before
    _install(tmp_path / "other", "99.1")
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    assert library_versions()["trafilatura"] == "99.1"
    assert _key() != before


def test_a_package_that_is_not_here_is_known_not_to_be(monkeypatch):
    assert library_versions()["python"] == platform.python_version()
    monkeypatch.setattr("sys.path", [])
    assert library_versions()["pypdfium2"] is None
