"""Repeating a step without touching anything: where did it first go wrong?

Modules are watched on the way forward (outputs) and on the way back (gradients of
outputs and of parameters), in the order in which they are computed: the first that is
not finite is next to the cause, all later ones only follow from it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from scratchlm.model.transformer import Transformer
from scratchlm.train.objective import Batch, Objective


@dataclass(frozen=True)
class Fault:
    """The first tensor of a step that holds a NaN or an infinity."""

    stage: Literal["batch", "weights", "forward", "loss", "backward"]
    """forward: a module's output; backward: the gradient of a module's output, or of a
    parameter."""
    where: str
    """Name of the batch's array, the parameter or the module."""
    n_nan: int
    n_inf: int
    n_numbers: int
    """Numbers of that tensor."""
    micro_batch: int | None = None
    """From 0; None for batch and weights."""
    largest_input: float | None = None
    """Forward: largest magnitude of what the module was given; infinite where that was
    not finite either, None where it was ids alone."""


@dataclass(frozen=True)
class Rehearsal:
    """A step that can be repeated: the model, its weights, batch and dropout."""

    model: Transformer
    objective: Objective
    window: Batch
    """The batch of the optimizer step."""
    micro_batch_size: int
    reseed: Callable[[], None]
    """Sets torch's random state to what it was when the step began (dropout)."""
    loss_scale: float = 1.0
    """What the loss is multiplied with before the backward pass (fp16)."""

    @property
    def n_rows(self) -> int:
        """Rows of the step."""
        return len(next(iter(self.window.values())))

    def find_fault(self) -> Fault | None:
        """Run the step forward and backward; None if all stays finite this time."""
        found = _first_fault("batch", self.window)
        found = found or _first_fault("weights", dict(self.model.named_parameters()))
        if found is not None:
            return found
        with _untouched(self.model), _eager():
            self.reseed()
            for index, part in enumerate(self._parts(self.micro_batch_size)):
                found = self._watch(index, part)
                if found is not None:
                    return found
        return None

    @torch.no_grad()
    def row_losses(self) -> list[float]:
        """Each row's own loss, without dropout; their mean is the step's loss.

        Where rows count different numbers of tokens, a row has its share times the
        number of rows.
        """
        was_training = self.model.training
        self.model.eval()
        try:
            with _untouched(self.model), _eager():
                losses = [self._loss(part) for part in self._parts(1)]
        finally:
            self.model.train(was_training)
        return [float(loss) * self.n_rows for loss in losses]

    def _loss(self, part: Batch) -> Tensor:
        return self.objective(self.model, part, self.window)[0]

    def _parts(self, size: int) -> Iterator[Batch]:
        for at in range(0, self.n_rows, size):
            yield {name: rows[at : at + size] for name, rows in self.window.items()}

    def _watch(self, index: int, part: Batch) -> Fault | None:
        watch = _Watch(index)
        with watch.on(self.model):
            loss = self._loss(part)
            watch.look("loss", "loss", loss)
            if watch.found is None:
                torch.autograd.backward(loss * self.loss_scale)
        for name, parameter in self.model.named_parameters():
            if parameter.grad is not None:
                # where a kernel adds its gradient itself, no hook hears of it
                watch.look("backward", name, parameter.grad)
            parameter.grad = None
        return watch.found


class _Watch:
    """Keeps the first tensor of one micro-batch that is not finite."""

    def __init__(self, micro_batch: int) -> None:
        self.micro_batch = micro_batch
        self.found: Fault | None = None

    @contextmanager
    def on(self, model: nn.Module) -> Iterator[None]:
        """Listen to all modules and parameters of a model."""
        handles: list[RemovableHandle] = []
        for name, module in model.named_modules():
            handles.append(module.register_forward_hook(self._forward_hook(name)))
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                handles.append(parameter.register_hook(self._backward_hook(name)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def look(
        self,
        stage: Literal["forward", "loss", "backward"],
        where: str,
        tensor: Tensor,
        inputs: Any = (),
    ) -> None:
        """Remember a tensor if it is the first that is not finite."""
        if self.found is None and not bool(tensor.detach().isfinite().all()):
            magnitude = _largest(inputs) if stage == "forward" else None
            self.found = _fault(stage, where, tensor, self.micro_batch, magnitude)

    def _forward_hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hear(module: nn.Module, inputs: Any, output: Any) -> None:
            for tensor in _tensors(output):
                self.look("forward", name, tensor, inputs)
                if tensor.requires_grad:
                    tensor.register_hook(self._backward_hook(name))

        return hear

    def _backward_hook(self, name: str) -> Callable[[Tensor], None]:
        def hear(gradient: Tensor) -> None:
            self.look("backward", name, gradient)

        return hear


@contextmanager
def _untouched(model: nn.Module) -> Iterator[None]:
    """Put gradients, buffers and random state back afterwards."""
    parameters = list(model.parameters())
    gradients = [parameter.grad for parameter in parameters]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        for parameter in parameters:
            parameter.grad = None
        with torch.random.fork_rng():
            yield
    finally:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def _eager() -> AbstractContextManager[object]:
    """Run a compiled model as it was written, so that its modules can be watched."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return torch.compiler.set_stance("force_eager")  # type: ignore[no-any-return]


def _first_fault(
    stage: Literal["batch", "weights"], tensors: Mapping[str, Tensor]
) -> Fault | None:
    for name, tensor in tensors.items():
        if not bool(tensor.detach().isfinite().all()):
            return _fault(stage, name, tensor)
    return None


def _fault(
    stage: Literal["batch", "weights", "forward", "loss", "backward"],
    where: str,
    tensor: Tensor,
    micro_batch: int | None = None,
    largest_input: float | None = None,
) -> Fault:
    n_nan, n_inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
    return Fault(stage, where, n_nan, n_inf, tensor.numel(), micro_batch, largest_input)


def _largest(values: Any) -> float | None:
    """Largest magnitude of all float tensors in nested tuples; a NaN counts as inf."""
    found = [
        float(tensor.detach().abs().nan_to_num(torch.inf, torch.inf).max())
        for tensor in _tensors(values)
        if tensor.is_floating_point() and tensor.numel()
    ]
    return max(found, default=None)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
