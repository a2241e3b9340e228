"""The journey: recipes, the dial, stages that know when they are up to date."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.pipeline.journey import run_journey as run_journey
    from scratchlm.pipeline.recipe import Recipe as Recipe
    from scratchlm.pipeline.request import make_request as make_request
    from scratchlm.pipeline.run_directory import RunDirectory as RunDirectory
    from scratchlm.pipeline.stages import collect_artefacts as collect_artefacts
    from scratchlm.pipeline.status import read_status as read_status

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Recipe": "recipe",
        "RunDirectory": "run_directory",
        "collect_artefacts": "stages",
        "make_request": "request",
        "read_status": "status",
        "run_journey": "journey",
    },
)
