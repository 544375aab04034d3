"""Creates event loops: of uvloop if it is installed (there is none for Windows), else of asyncio."""

import asyncio

try:
    import uvloop

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return uvloop.new_event_loop()
except ImportError:  # pragma: no cover

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()
