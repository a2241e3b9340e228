import time

from scratchlm.base.metrics import MetricsWriter, read_metrics


def steps(path, stage="train"):
    return [row["step"] for row in read_metrics(path) if row["stage"] == stage]


def test_rows_are_written_as_they_come(tmp_path):
    path = tmp_path / "run" / "metrics.jsonl"
    before = time.time()
    with MetricsWriter(path, "train") as metrics:
        metrics.write(1, {"train/loss": 2.5, "train/note": "ä"})
        [row] = read_metrics(path)  # while the file is still open
    assert before - 1 <= row.pop("time_s") <= time.time() + 1
    expected = {"stage": "train", "step": 1, "train/loss": 2.5, "train/note": "ä"}
    assert row == expected


def test_stages_share_a_file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for stage in ("train", "align", "train"):
        with MetricsWriter(path, stage) as metrics:
            metrics.write(1, {})
    assert [row["stage"] for row in read_metrics(path)] == ["train", "align", "train"]


def test_only_this_stages_later_rows_are_forgotten(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path, "align") as other:
        other.write(9, {})
    with MetricsWriter(path, "train") as metrics:
        for step in range(1, 6):
            metrics.write(step, {"train/loss": step / 3})
        kept = read_metrics(path)[:4]
        metrics.drop_after(3)
        assert read_metrics(path) == kept
        metrics.write(4, {})
    assert steps(path) == [1, 2, 3, 4]
    assert steps(path, "align") == [9]


def test_a_line_that_a_killed_process_left_unfinished_is_passed_over(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path, "train") as metrics:
        metrics.write(1, {})
    with path.open("ab") as file:
        file.write(b'{"stage": "train", "step": 2, "note": "\xc3')
    assert steps(path) == [1]
    with MetricsWriter(path, "train") as metrics:
        metrics.drop_after(1)
        metrics.write(2, {})
    assert steps(path) == [1, 2]


def test_where_there_is_no_file_there_are_no_rows(tmp_path):
    assert read_metrics(tmp_path / "metrics.jsonl") == []


class Kept:
    """A sink that keeps what it is told."""

    def __init__(self, path):
        self.path = path
        self.told = []

    def write(self, step, values):
        assert read_metrics(self.path)[-1]["step"] == step, "the file comes first"
        self.told.append((step, dict(values)))

    def drop_after(self, step):
        self.told.append(("drop", step))

    def close(self):
        self.told.append("close")


def test_a_sink_sees_what_the_file_sees_from_when_it_is_attached(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path, "train") as metrics:
        metrics.write(1, {"train/loss": 3.0})
        first, second = Kept(path), Kept(path)
        metrics.attach(first, second)
        metrics.write(2, {"train/loss": 2.0})
        metrics.drop_after(1)
        metrics.write(2, {"train/loss": 2.5})
        metrics.close()
    rows = [(2, {"train/loss": 2.0}), ("drop", 1), (2, {"train/loss": 2.5}), "close"]
    assert first.told == second.told == rows, "closed once"
