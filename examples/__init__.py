"""Examples from real data to a sketch that runs; ``python -m examples`` runs them all on simulated boards."""
