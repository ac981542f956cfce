"""Tasks that have begun when they are made, which Python's own can do from 3.12 on.

A task otherwise begins in the loop's next turn, behind whatever has become ready by then.
"""

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def head_start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task whose work has got as far as it can without waiting; to be called by another task."""
    caller: Any = asyncio.current_task()
    loop = caller.get_loop()
    first: list[Any] = []
    task: asyncio.Task[T] = loop.create_task(_carry(work, first))
    # time limits cancel the current task: those of the work must find the one that carries it
    _leave_task(loop, caller)
    _enter_task(loop, task)
    try:
        first.append(_advanced(work.send, None))
    finally:
        _leave_task(loop, task)
        _enter_task(loop, caller)
    # a task that is cancelled before its own first step would leave the work behind
    task.add_done_callback(lambda _: work.close())
    return task


async def _carry(work: Coroutine[Any, Any, T], first: list[Any]) -> T:
    return await _rest(work, first)


@coroutine
def _rest(work: Coroutine[Any, Any, T], first: list[Any]) -> Generator[Any, Any, T]:
    (reached,) = first
    while not isinstance(reached, BaseException):
        try:
            given = yield reached
        except BaseException as error:
            reached = _advanced(work.throw, error)
        else:
            reached = _advanced(work.send, given)
    if isinstance(reached, StopIteration):
        result: T = reached.value
        return result
    raise reached


def _advanced(step: Callable[[Any], Any], given: object) -> Any:
    """What the work waits for after a step; or how it ended: `StopIteration` with its result, or what it raised."""
    try:
        return step(given)
    except BaseException as end:
        return end
