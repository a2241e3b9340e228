"""MODEL -> BUDGET: parameters, FLOPs, memory, time, cost, scaling rules. No torch."""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.plan.depth import DepthPlan as DepthPlan
    from scratchlm.plan.depth import plan_depth as plan_depth
    from scratchlm.plan.flops import (
        estimate_forward_flops as estimate_forward_flops,
    )
    from scratchlm.plan.flops import (
        estimate_training_flops as estimate_training_flops,
    )
    from scratchlm.plan.memory import (
        TrainingMemory as TrainingMemory,
    )
    from scratchlm.plan.memory import (
        count_kv_cache_bytes as count_kv_cache_bytes,
    )
    from scratchlm.plan.memory import (
        estimate_training_memory as estimate_training_memory,
    )
    from scratchlm.plan.parameters import (
        ParameterCount as ParameterCount,
    )
    from scratchlm.plan.parameters import (
        count_parameters as count_parameters,
    )
    from scratchlm.plan.presets import laptop_config as laptop_config
    from scratchlm.plan.presets import nanochat_config as nanochat_config
    from scratchlm.plan.presets import preset as preset
    from scratchlm.plan.presets import preset_names as preset_names
    from scratchlm.plan.scaling import TrainingPlan as TrainingPlan
    from scratchlm.plan.scaling import effective_tokens as effective_tokens
    from scratchlm.plan.scaling import epoch_warning as epoch_warning
    from scratchlm.plan.scaling import optimal_parameters as optimal_parameters
    from scratchlm.plan.scaling import optimal_shape as optimal_shape
    from scratchlm.plan.scaling import (
        optimal_tokens_per_step as optimal_tokens_per_step,
    )
    from scratchlm.plan.scaling import plan_training as plan_training
    from scratchlm.plan.table import Plan as Plan
    from scratchlm.plan.table import PlanConfig as PlanConfig
    from scratchlm.plan.table import Row as Row
    from scratchlm.plan.table import plan as plan
    from scratchlm.plan.time import estimate_cost as estimate_cost
    from scratchlm.plan.time import (
        estimate_training_time_s as estimate_training_time_s,
    )
    from scratchlm.plan.time import mfu_frac as mfu_frac

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "DepthPlan": "depth",
        "ParameterCount": "parameters",
        "Plan": "table",
        "PlanConfig": "table",
        "Row": "table",
        "TrainingMemory": "memory",
        "TrainingPlan": "scaling",
        "count_kv_cache_bytes": "memory",
        "count_parameters": "parameters",
        "effective_tokens": "scaling",
        "epoch_warning": "scaling",
        "estimate_cost": "time",
        "estimate_forward_flops": "flops",
        "estimate_training_flops": "flops",
        "estimate_training_memory": "memory",
        "estimate_training_time_s": "time",
        "laptop_config": "presets",
        "mfu_frac": "time",
        "nanochat_config": "presets",
        "optimal_parameters": "scaling",
        "optimal_shape": "scaling",
        "optimal_tokens_per_step": "scaling",
        "plan": "table",
        "plan_depth": "depth",
        "plan_training": "scaling",
        "preset": "presets",
        "preset_names": "presets",
    },
)
