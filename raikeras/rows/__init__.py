"""The rows: every example's own targets, how they lie in memory and how they move."""
