"""Runs the sandbox as a process until SIGTERM or Ctrl-C: ``python -m bot.sandbox``."""

import argparse
import asyncio
import dataclasses
import json
import logging
import signal
import sys
import typing
from pathlib import Path
from typing import Any

from bot.sandbox.config import Config, ConfigError
from bot.sandbox.loop import new_event_loop
from bot.sandbox.server import finish, start
from bot.sandbox.simulation import Simulation


def parser_of() -> argparse.ArgumentParser:
    """Build the parser, with an option for each setting of ``Config``."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="A simulated Meta on 127.0.0.1.")
    types = typing.get_type_hints(Config)
    for item in dataclasses.fields(Config):
        flag = "--" + item.name.replace("_", "-")
        meaning = f"{item.metadata['help']} (default: {item.default})"
        meaning = meaning.replace("%", "%%")
        if item.name == "world":
            parser.add_argument(flag, type=Path, metavar="FILE.json", help=meaning)
        elif types[item.name] is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=item.default, help=meaning)
        else:
            kind = types[item.name] if types[item.name] in (int, float) else str
            parser.add_argument(flag, type=kind, default=item.default, metavar=kind.__name__.upper(), help=meaning)
    return parser


def read_config(arguments: list[str]) -> Config:
    """Parse the command line. Raises ConfigError if the world's file cannot be read or a setting is invalid."""
    options: dict[str, Any] = vars(parser_of().parse_args(arguments))
    if options["world"] is not None:
        try:
            options["world"] = json.loads(options["world"].read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(f"world: {options['world']} cannot be read: {error}") from error
    return Config(**options)


async def serve(config: Config) -> None:
    """Run the sandbox until a signal, and print its URL at the start."""
    sim = Simulation(config)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner, url = await start(sim)
    print(f"sandbox listening on {url}", flush=True)  # noqa: T201  the parent process reads the port from this line
    await stopped.wait()
    await finish(sim, runner)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 for an invalid setting or a port that is taken."""
    try:
        config = read_config(sys.argv[1:] if arguments is None else arguments)
        logging.basicConfig(level=logging.INFO if config.log else logging.WARNING, stream=sys.stderr)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(config))
    except (ConfigError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
