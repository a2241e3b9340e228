"""Tasks on Ray: the same functions, the same files, other machines.

Only Ray's core tasks are used: a call is a remote function, retried by Ray where its
worker dies. All nodes must see the work directory and the inputs at the same paths
(a shared file system); nothing else passes between them.
"""

from collections.abc import Iterator
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.flow.executor import MOST_ATTEMPTS, died_line
from scratchlm.corpus.flow.task import Call, run_call


class RayExecutor:
    """Runs calls on a Ray cluster: the one at `address`, else one of this machine."""

    def __init__(self, address: str | None, workers: int) -> None:
        try:
            import ray as ray_module
        except ImportError:
            raise UserError(
                "Ray is not installed; install it with pip install 'scratchlm[ray]'"
            ) from None
        ray: Any = ray_module  # its functions are annotated in part only
        self._ray = ray
        options: dict[str, Any] = {"address": address} if address else {}
        if not address:
            options |= {"num_cpus": workers, "include_dashboard": False}
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"no Ray cluster answers at {address or 'this machine'} ({reason})"
            ) from None
        self.workers = max(1, int(ray.cluster_resources().get("CPU", workers)))
        remote = ray.remote(max_retries=MOST_ATTEMPTS - 1, num_cpus=1)
        self._run = remote(run_call)
        self._calls: dict[Any, Call] = {}

    def submit(self, call: Call) -> None:
        """Hand a call to the cluster."""
        self._calls[self._run.remote(call)] = call

    def finished(self) -> Iterator[Call]:
        """Wait for the next call to end."""
        if not self._calls:
            return
        done, _ = self._ray.wait(list(self._calls), num_returns=1)
        for reference in done:
            call = self._calls.pop(reference)
            try:
                self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except self._ray.exceptions.RayError:  # its worker, memory or machine
                raise UserError(died_line(call.task.name)) from None
            yield call

    def close(self) -> None:
        """Cancel what runs and let go of the cluster."""
        for reference in self._calls:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()
