"""Loss scaling for float16, whose smallest numbers most gradients fall below.

The loss is multiplied by a power of two before the backward pass and the gradients are
divided by it, in float32, before anybody looks at them (Micikevicius et al. 2018). A
step whose scaled gradients overflow is dropped and the scale halved; after many good
steps it doubles. All state is two numbers, so that a resumed run scales alike.
"""

from typing import Any

FIRST_SCALE = 2.0**16
LARGEST_SCALE = 2.0**24
GROWTH_STEPS = 1_000
"""Good steps in a row after which the scale doubles."""


class LossScaler:
    """The scale of one run; 1 for good where the precision needs none.

    Args:
        enabled: whether the products are in float16.
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.scale = FIRST_SCALE if enabled else 1.0
        self._good_steps = 0

    def grow(self) -> None:
        """Count a step whose gradients were finite."""
        self._good_steps += 1
        if self.enabled and self._good_steps >= GROWTH_STEPS:
            self.scale = min(2 * self.scale, LARGEST_SCALE)
            self._good_steps = 0

    def shrink(self) -> bool:
        """Halve the scale after an overflow; False where the scale is not to blame."""
        if not self.enabled or self.scale <= 1.0:
            return False
        self.scale /= 2
        self._good_steps = 0
        return True

    def state_dict(self) -> dict[str, Any]:
        """All state as JSON values."""
        return {"scale": self.scale, "good_steps": self._good_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take in a saved state."""
        if self.enabled:
            self.scale = float(state["scale"])
            self._good_steps = int(state["good_steps"])
