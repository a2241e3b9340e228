"""Ground floor: knows nothing of language models. Import from its modules."""
