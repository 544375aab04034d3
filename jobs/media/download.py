"""Adds a file to the library from an https address: public hosts alone, no redirects, bounded in time and size."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime

from bot.meta.file_names import file_name_of
from bot.outbound.client import ForbiddenAddressError, OutboundHttpClient, UnreachableError
from bot.outbound.rules import OutboundRules, rules_of
from jobs.core.runtime import Runtime
from jobs.media.incoming import chunks_of, spooled
from jobs.media.kinds import HEADER_KINDS, LIMITS, MAX_BYTES
from jobs.media.library import add_media, plain_name
from models.errors import OperatorError
from models.tables.media import MediaFile

MAX_SECONDS = 120.0


def add_from_url(
    rt: Runtime,
    url: str,
    actor: str,
    now: datetime,
    header_format: str | None = None,
    *,
    name: str | None = None,
    rules: OutboundRules | None = None,
    tls: ssl.SSLContext | None = None,
) -> MediaFile:
    """Add what the address answers with, under `name` or the name in the address. `rules` and `tls` are for tests.

    Raises OperatorError if the address may not be asked, does not answer with a file, or the file is refused (`add_media`).
    """
    limit = LIMITS[HEADER_KINDS[header_format]] if header_format else MAX_BYTES
    if not url.startswith("https://"):
        raise OperatorError("{url}: allowed is an https address", url=url[:200])
    shown_name = plain_name(name or file_name_of(url))
    with spooled(rt.settings, ()) as file:
        client = OutboundHttpClient(rules or rules_of(rt.settings), tls=tls)
        try:
            status = asyncio.run(_download(client, url, file.write, limit))
        except ForbiddenAddressError as error:
            raise OperatorError("{name}: {why}", name=shown_name, why=error) from error
        except UnreachableError as error:
            raise OperatorError("{name}: the address does not answer ({why})", name=shown_name, why=error) from error
        if 300 <= status < 400:
            raise OperatorError(
                "{name}: the address answers with a redirect ({status}); give the one that it leads to",
                name=shown_name,
                status=status,
            )
        if status != 200:
            raise OperatorError("{name}: the address answers with HTTP {status}", name=shown_name, status=status)
        file.seek(0)
        return add_media(rt, shown_name, chunks_of(file), actor, now, header_format)


async def _download(client: OutboundHttpClient, url: str, write: Callable[[bytes], object], max_bytes: int) -> int:
    try:
        return await client.download(url, write, max_bytes, MAX_SECONDS)
    finally:
        await client.close()
