import io
import json
import os
import subprocess
import sys

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.sources.huggingface import (
    DatasetName,
    list_split,
    parse_dataset_name,
)


@pytest.fixture
def tree(request):
    """`tree(names, readme)`: the files of a dataset, in memory; gives their root."""
    root = f"/datasets/{request.node.name}"

    def make(names, readme=None):
        files = dict.fromkeys(names, b"x")
        if readme is not None:
            files["README.md"] = readme.encode()
        store = fsspec.filesystem("memory")
        for name, content in files.items():
            store.pipe_file(f"{root}/{name}", content)
        return store, root

    return make


def found(tree, split="train", config=None):
    dataset = DatasetName("owner/set", config)
    return [file.name for file in list_split(*tree, dataset, split)]


def test_a_datasets_name_has_a_configuration_and_a_revision():
    read = parse_dataset_name
    assert read("hf://datasets/a/b") == DatasetName("a/b")
    assert read("hf://datasets/a/b/de@v1.0") == DatasetName("a/b", "de", "v1.0")
    converted = read("hf://datasets/a/b@refs/convert/parquet")
    assert converted.root == "hf://datasets/a/b@refs%2Fconvert%2Fparquet"
    for url in ("hf://a/b", "hf://datasets/b", "hf://datasets/a/b/c/d", "hf://"):
        with pytest.raises(UserError, match="write hf://datasets/OWNER/NAME"):
            read(url)


def test_splits_are_read_off_names(tree):
    made = tree(
        [
            *("data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet"),
            *("data/validation-00000-of-00001.parquet", "dataset_infos.json"),
            *("test.jsonl.zst", ".gitattributes", "LICENSE", "train.py"),
        ]
    )
    assert found(made) == [
        "set/data/train-00000-of-00002.parquet",
        "set/data/train-00001-of-00002.parquet",
    ]
    assert found(made, "validation") == ["set/data/validation-00000-of-00001.parquet"]
    assert found(made, "test") == ["set/test.jsonl.zst"]


def test_where_no_name_speaks_of_a_split_all_is_train(tree):
    made = tree(["2019/latest.jsonl.gz", "2020/contest.csv", "notes.docx"])
    assert found(made) == ["set/2019/latest.jsonl.gz", "set/2020/contest.csv"]


def test_a_configuration_is_a_folder_or_the_beginning_of_a_name(tree):
    made = tree(["de/train-0.parquet", "en/train-0.parquet", "fr.jsonl"])
    assert found(made, config="de") == ["set/de/train-0.parquet"]
    assert found(made, config="fr") == ["set/fr.jsonl"]
    with pytest.raises(UserError, match="has no split 'train' of it; splits: none"):
        found(made, config="it")


README = """---
license: mit
configs:
- config_name: de
  default: true
  data_files:
  - split: train
    path: ["german/*.jsonl", "more/**/part-*.parquet"]
  - split: extra
    path: odd.txt
- config_name: en
  data_files: english/*.jsonl
---
# A data set
"""


def test_what_a_readme_says_of_files_goes_before_their_names(tree):
    names = ["german/a.jsonl", "german/test.jsonl", "english/b.jsonl", "odd.txt"]
    made = tree([*names, "more/part-1.parquet", "more/x/y/part-2.parquet"], README)
    assert found(made, config="de") == [
        *("set/german/a.jsonl", "set/german/test.jsonl"),
        *("set/more/part-1.parquet", "set/more/x/y/part-2.parquet"),
    ]
    assert found(made, "extra", "de") == ["set/odd.txt"]
    assert found(made, config="en") == ["set/english/b.jsonl"]
    with pytest.raises(
        UserError, match="no split 'test' of de; splits: extra, train; "
    ):
        found(made, "test", "de")


def test_of_several_configurations_the_default_one_is_taken_or_a_name_is_asked_for(
    tree,
):
    made = tree(["german/a.jsonl", "english/b.jsonl"], README)
    assert found(made) == ["set/german/a.jsonl"]
    made = tree([], README.replace("  default: true\n", ""))
    with pytest.raises(UserError, match="write one of de, en behind the name"):
        found(made)


@pytest.mark.parametrize(
    "front",
    ["", "---\n: [\n---\n", "---\n- a\n---\n", "---\nconfigs: x\n---\n", "---\na: 1\n"],
)
def test_a_readme_that_says_nothing_of_files_is_passed_over(tree, front):
    assert found(tree(["a.jsonl"], front)) == ["set/a.jsonl"]


def test_an_empty_dataset_is_one_line(tree):
    with pytest.raises(UserError, match="splits: none"):
        found(tree(["image.png"]))


READ_FROM_HUB = """
import sys
from pathlib import Path
from scratchlm.base.errors import UserError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.config import SourceConfig
from scratchlm.corpus.sources.plan import plan_inputs
from scratchlm.corpus.sources.read import read_shard

for url in sys.argv[2:]:
    source = SourceConfig(name="hub", paths=(url,))
    try:
        shards = plan_inputs([source], ReadConfig(), Path(sys.argv[1]), Receipt())
    except UserError as error:
        print(error)
        continue
    for shard in shards:
        for document in read_shard(shard, source, ReadConfig(), Receipt()):
            print(document.id, document.text)
"""


def test_a_dataset_is_read_from_a_hub(site, tmp_path):
    """The hub's own client, asking a server on this machine that speaks as a hub."""
    pytest.importorskip("huggingface_hub")
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": ["one", "two"]}), stream)
    files = {
        "data/train-0.parquet": stream.getvalue(),
        "data/test-0.jsonl": b'{"text": "three"}',
    }
    commit, api = "a" * 40, "/api/datasets/owner/set"
    entries = [
        {"type": "file", "path": path, "oid": commit, "size": len(content)}
        for path, content in files.items()
    ]
    said = {"id": "owner/set", "sha": commit, "siblings": [], "private": False}
    kind = {"Content-Type": "application/json"}
    for revision in ("v1", commit):
        site.pages[f"{api}/revision/{revision}"] = (
            200,
            kind,
            json.dumps(said).encode(),
        )
    site.pages[f"{api}/tree/{commit}"] = (200, kind, json.dumps(entries).encode())
    none = (404, {"X-Error-Code": "RepoNotFound"}, b"")
    site.pages["/api/datasets/owner/none/revision/v1"] = none
    for path, content in files.items():
        headers = {"ETag": '"x"', "X-Repo-Commit": commit}
        place = f"/datasets/owner/set/resolve/{commit}/{path}"
        site.pages[place] = (200, headers, content)
    urls = ["hf://datasets/owner/set@v1", "hf://datasets/owner/none@v1"]
    done = subprocess.run(
        [sys.executable, "-c", READ_FROM_HUB, str(tmp_path), *urls],
        env={**os.environ, "HF_ENDPOINT": site.url, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    *read, error = done.stdout.splitlines()
    assert read == [
        "set/data/train-0.parquet:0000001 one",
        "set/data/train-0.parquet:0000002 two",
    ], done.stderr
    assert error.startswith(f"{urls[1]} cannot be read: 404") and "private" in error
