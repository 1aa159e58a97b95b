"""A write that is repeated happens once: each unsafe call of a keyed action carries a key, the same in all its repeats.

The outermost caller makes the key; what a handler calls on gets keys that follow from its own, so that a repeated chain
repeats the same keys. The service keeps, for each key, what it answered, and answers it again. Where the effect is in a
database the record of the key belongs into the same transaction; the store here is for services that keep their effects
in the memory of one node.

    broker.add(Ledger(), idempotency=MemoryKeys(clock))
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

import orjson
from pydantic import BaseModel

from broker.cache.single_flight import SingleFlight
from broker.clock import Clock
from schema.errors import Conflict, Invalid

KEY_HEADER: Final = "idempotencyKey"
KEY_LENGTH_MAX = 128
KEYS_MAX = 65_536
KEEP_SECONDS = 600.0
"""Far longer than any call is repeated for."""
DIGEST_BYTES = 16


class IdempotencyStore(Protocol):
    async def once(self, action: str, key: str, digest: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """What `work` answers, now or when the key was first seen. A failure is not kept: the next one works again.

        Raises `Conflict` if the key was seen with another digest: it was meant for another request."""
        ...


def key_of(headers: Mapping[str, Any]) -> str | None:
    """Raises `Invalid` for what cannot be a key."""
    key = headers.get(KEY_HEADER)
    if key is None:
        return None
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH_MAX:
        raise Invalid(f"{KEY_HEADER} is a text of up to {KEY_LENGTH_MAX} characters")
    return key


def digest_of(request: Any) -> str:
    """The same for the same request."""
    plain = request.model_dump_json().encode() if isinstance(request, BaseModel) else _sorted_json(request)
    return blake2b(plain, digest_size=DIGEST_BYTES).hexdigest()


def key_within(key: str, action: str, request: Any, occurrence: int) -> str:
    """The key of a call that the handler of a call with `key` makes: the `occurrence`th of this action and request."""
    text = f"{key}\0{action}\0{digest_of(request)}\0{occurrence}"
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


class _Kept(NamedTuple):
    digest: str
    answer: bytes
    until_seconds: float


class MemoryKeys:
    """For the effects of one node, which are gone when it is; nodes that share effects need a store that they share."""

    def __init__(self, clock: Clock, *, keep_seconds: float = KEEP_SECONDS, keys_max: int = KEYS_MAX) -> None:
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._keys_max = keys_max
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._working: dict[str, str] = {}
        self._flights = SingleFlight[bytes]()

    def __len__(self) -> int:
        return len(self._kept)

    async def once(self, action: str, key: str, digest: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        self._forget_old()
        name = f"{action} {key}"
        kept = self._kept.get(name)
        if (kept.digest if kept is not None else self._working.get(name, digest)) != digest:
            raise Conflict(f"this {KEY_HEADER} was used for another request")
        if kept is not None:
            return kept.answer
        return await self._flights.run(name, lambda: self._work(name, digest, work))

    async def _work(self, name: str, digest: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        self._working[name] = digest
        try:
            answer = await work()
            self._kept[name] = _Kept(digest, answer, self._clock.now() + self._keep_seconds)
        finally:
            del self._working[name]
        return answer

    def _forget_old(self) -> None:
        now = self._clock.now()
        while self._kept:
            first = next(iter(self._kept))
            if len(self._kept) < self._keys_max and self._kept[first].until_seconds > now:
                return
            del self._kept[first]


def _sorted_json(request: Any) -> bytes:
    try:
        return orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Invalid("the request is not JSON") from error
