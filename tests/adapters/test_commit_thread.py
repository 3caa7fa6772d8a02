"""The commit thread: one thing after another, and the loop hears how each went."""

from __future__ import annotations

import asyncio
import threading

from hubbub.adapters.commit_thread import CommitThread


def test_in_order_beside_the_loop_and_told_on_it() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        thread = CommitThread(loop)
        done: list[tuple[str, bool]] = []
        told: list[tuple[str, bool, Exception | None]] = []
        over = loop.create_future()

        def here() -> bool:
            return threading.current_thread() is threading.main_thread()

        def fails() -> None:
            done.append(("second", here()))
            raise OSError(5, "no")

        def then(name: str, failure: Exception | None) -> None:
            told.append((name, here(), failure))

        thread.do(lambda: done.append(("first", here())), then, "first")
        thread.do(fails, then, "second")
        thread.do(lambda: done.append(("third", here())), over.set_result)
        thread.end()
        async with asyncio.timeout(30):
            assert await over is None
        assert done == [("first", False), ("second", False), ("third", False)]
        assert [(name, where) for name, where, _ in told] == [("first", True), ("second", True)]
        assert (told[0][2], repr(told[1][2])) == (None, "OSError(5, 'no')")

    asyncio.run(scene())


def test_who_is_not_there_any_more_is_not_told_and_the_rest_is_done() -> None:
    loop = asyncio.new_event_loop()
    thread = CommitThread(loop)
    loop.close()
    done = threading.Event()
    thread.do(lambda: None, lambda _: None)
    thread.do(done.set, lambda _: None)
    assert done.wait(30)
    thread.end()
