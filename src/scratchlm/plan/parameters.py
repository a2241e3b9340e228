"""Parameters of a model, counted where the model is; here under the planner's name.

The arithmetic stands in `scratchlm.model.counts`, so that a model can count itself.
"""

from scratchlm.model.counts import ParameterCount as ParameterCount
from scratchlm.model.counts import attention_matrices as attention_matrices
from scratchlm.model.counts import block_matrices as block_matrices
from scratchlm.model.counts import count_block_matrices as count_block_matrices
from scratchlm.model.counts import count_multiplied as count_multiplied
from scratchlm.model.counts import count_norms as count_norms
from scratchlm.model.counts import count_parameters as count_parameters
from scratchlm.model.counts import mlp_matrices as mlp_matrices
