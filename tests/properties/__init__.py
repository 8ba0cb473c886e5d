"""Laws that hold for all inputs, tried on generated ones.

The examples are the same in every run. ``EXAMPLES=2000 pytest tests/properties`` tries new ones, twenty
times as many.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
NOT_SHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(n: int, **more: Any) -> settings:
    """So many examples, or in a hunt a multiple of them that `EXAMPLES` tells."""
    hunting = EXAMPLES > 0
    count = max(1, n * EXAMPLES // 100) if hunting else n
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=not hunting,
        suppress_health_check=SLOW,
        print_blob=hunting,
        **more,
    )


BIG, TINY = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
SPECIAL = np.float32(
    [0, -0.0, TINY, -TINY, 1e-40, -1e-38, 1, -1, 0.1, 1 / 3, 127, 128, 32767, 1e30, BIG, -BIG]
)
#: Infinities, then NaN of both signs, quiet and signalling, with payloads.
UNUSUAL = np.array(
    [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF],
    np.uint32,
).view(np.float32)
float32s = st.floats(width=32, allow_nan=False) | st.sampled_from(SPECIAL.tolist())
finite32s = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(SPECIAL.tolist())
integers = st.sampled_from(["int8", "int16"])
