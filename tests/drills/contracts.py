"""What the drill's clients ask `db-drill` for. It is served by drills alone, and only to nodes of the mesh."""

from __future__ import annotations

from schema.action import Action, Message, Nothing

SERVICE = "db-drill"


class Of(Message):
    name: str


class Add(Message):
    counter: str
    amount: int


class Value(Message):
    value: int


class Transfer(Message):
    source: str
    target: str
    amount: int


class Balances(Message):
    balances: dict[str, int]


class Swap(Message):
    key: str
    expected: int
    value: str


class Register(Message):
    version: int
    value: str


class Insert(Message):
    """All of them or none."""

    name: str
    elements: list[str]


class Elements(Message):
    elements: list[str]


class Step(Message):
    """Of a transaction: appends to a list, or reads it where there is nothing to append."""

    key: str
    element: int | None = None


class Steps(Message):
    steps: list[Step]


class Lists(Message):
    """What the reading steps saw, in their order."""

    lists: list[list[int]]


ADD = Action(f"{SERVICE}.add", Add, Value, safe=False, keyed=True)
READ_COUNTER = Action(f"{SERVICE}.counter", Of, Value, safe=True)
TRANSFER = Action(f"{SERVICE}.transfer", Transfer, Nothing, safe=False, keyed=True)
READ_BALANCES = Action(f"{SERVICE}.balances", Of, Balances, safe=True)
SWAP = Action(f"{SERVICE}.swap", Swap, Register, safe=False, keyed=True)
READ_REGISTER = Action(f"{SERVICE}.register", Of, Register, safe=True)
INSERT = Action(f"{SERVICE}.insert", Insert, Nothing, safe=False, keyed=True)
READ_ELEMENTS = Action(f"{SERVICE}.elements", Of, Elements, safe=True)
TRANSACT = Action(f"{SERVICE}.transact", Steps, Lists, safe=False, keyed=True)
READ_LISTS = Action(f"{SERVICE}.lists", Steps, Lists, safe=True)

ACTIONS = (
    ADD, READ_COUNTER, TRANSFER, READ_BALANCES, SWAP, READ_REGISTER, INSERT, READ_ELEMENTS, TRANSACT, READ_LISTS
)  # fmt: skip
