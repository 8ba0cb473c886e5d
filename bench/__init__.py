"""Side by side with the peers: flash, RAM, stack and cycles of the same models; and how ``port`` scales.

``python -m bench --help`` says how to run it; ``bench/README.md`` says what the figures mean.
"""
