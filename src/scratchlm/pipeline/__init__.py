"""The journey: recipes, the dial, stages that know when they are up to date."""
