"""Tasks with names, which logs and errors show, that run together and end together."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

Named = tuple[str, Coroutine[Any, Any, None]]


async def run_together(tasks: Iterable[Named], *begun: Callable[[], object]) -> None:
    """Run named tasks until one of them fails or all are cancelled. begun: called once they are begun."""
    async with asyncio.TaskGroup() as group:
        for name, task in tasks:
            group.create_task(task, name=name)
        for tell in begun:
            tell()
