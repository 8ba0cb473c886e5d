"""micromlgen 1.1.28, the last release of 1.x."""

from __future__ import annotations

from typing import Any

import micromlgen
from peers import Configurations, entry

LANGUAGE = "c++"


def configurations(model: Any) -> Configurations:
    """There is one way to call it."""

    def text() -> str:
        code = micromlgen.port(model, classname="Peer")
        body = "static Eloquent::ML::Port::Peer peer; return peer.predict((float *)x);"
        # Its forests use uint8_t without an include, as a sketch may.
        return "#include <Arduino.h>\n" + code + entry(model, body)

    return {"1.x": text}
