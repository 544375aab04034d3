"""The event loop: uvloop where there is one (it is not made for Windows)."""

import asyncio

try:
    import uvloop

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return uvloop.new_event_loop()
except ImportError:  # pragma: no cover

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()
