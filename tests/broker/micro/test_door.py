"""The micro door, from outside: a plain NATS client that knows nothing of the mesh."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import nats
import nats.errors
import nats.micro
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro.service import NAME_REGEX, SEMVER_REGEX, ServiceInfo, ServicePing, ServiceStats

from broker import Broker, BrokerConfig, Context, Service, action
from broker.micro.door import TIMEOUT_HEADER
from broker.micro.errors import CODE_HEADER, ERROR_HEADER, describe
from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from broker.refusals import Late, NodeFull, NotServed
from broker.testing import MemoryNetwork
from schema.action import Action, Nothing
from schema.errors import ERRORS, Conflict, Internal, Invalid, MeshError
from schema.stream import Stream
from tests.contract.greetings import GREET, RECORD, REMARK, WELCOME, Gate, Greet, Greeting, Greetings, Hall
from tests.servers import NatsAddress, nats_server
from tests.waiting import eventually

HOST = "127.77.79.1"
READ = Action("files.read", Nothing, Stream[bytes], safe=True)
LINES = Action("files.lines", Nothing, int, safe=True)
NEWER = Action("v2.greetings.greet", Greet, Greeting, safe=True)
REPLY_SECONDS = 5.0
_namespaces = count()


class Outside:
    """A NATS client, and where the services of one test are."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url
        self.namespace = f"door{next(_namespaces)}"

    async def ask(self, name: str, payload: bytes, headers: dict[str, str] | None = None) -> Msg:
        return await self.client.request(f"{self.namespace}.{name}", payload, REPLY_SECONDS, headers=headers)

    async def all_answers(self, subject: str, number: int) -> list[dict[str, Any]]:
        inbox = self.client.new_inbox()
        subscription = await self.client.subscribe(inbox)
        await self.client.publish(subject, b"", reply=inbox)
        answers = [orjson.loads((await subscription.next_msg(REPLY_SECONDS)).data) for _ in range(number)]
        await subscription.unsubscribe()
        return answers

    async def discover(self, verb: str, name: str = "greetings") -> dict[str, Any]:
        answer: dict[str, Any] = orjson.loads((await self.client.request(f"$SRV.{verb}.{name}", b"", 5.0)).data)
        return answer

    @asynccontextmanager
    async def node(self, *services: Service, node: str = "server", **options: Any) -> AsyncIterator[Broker]:
        config = BrokerConfig(region="west", node=node, namespace=self.namespace, **options)
        broker = Broker(config, NatsClient(NatsSettings((self.url,), settle_seconds=0.02)))
        for service in services:
            broker.add(service)
        async with broker:
            yield broker


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    address = NatsAddress(host=HOST)
    async with nats_server(tmp_path_factory.mktemp("nats"), address):
        yield address.url


@pytest.fixture
async def outside(url: str) -> AsyncIterator[Outside]:
    client = await nats.connect(url)
    yield Outside(client, url)
    await client.close()


def failure(answer: Msg) -> tuple[str, str]:
    assert answer.headers is not None
    return answer.headers[CODE_HEADER], answer.headers[ERROR_HEADER]


# --- calls --------------------------------------------------------------------------------------------------


async def test_answers_plain_json_with_plain_json(outside: Outside) -> None:
    async with outside.node(Greetings("server")):
        answer = await outside.ask("greetings.greet", b'{"name":"Ada"}')
    assert orjson.loads(answer.data) == {"text": "Hello Ada", "node": "server"}
    assert answer.headers is None


async def test_is_at_the_name_of_the_action_where_there_is_no_namespace(outside: Outside) -> None:
    outside.namespace = ""
    async with outside.node(Greetings("server")):
        answer = await outside.client.request("greetings.remark", b'{"name":"Ada"}', REPLY_SECONDS)
    assert answer.data == b'"well"'


async def test_serves_one_request_by_one_node(outside: Outside) -> None:
    services = [Greetings("one"), Greetings("two")]
    async with outside.node(services[0], node="one"), outside.node(services[1], node="two"):
        await asyncio.gather(*(outside.ask("greetings.greet", b'{"name":"Ada"}') for _ in range(40)))
    numbers = [len(service.contexts) for service in services]
    assert sum(numbers) == 40
    assert all(numbers)


async def test_lets_a_handler_call_on(outside: Outside) -> None:
    async with outside.node(Greetings("server"), Hall()):
        answer = await outside.ask("hall.welcome", b'{"name":"Ada"}')
    assert orjson.loads(answer.data)["text"] == "Hello Ada"


async def test_names_the_fields_of_a_request_that_are_wrong(outside: Outside) -> None:
    async with outside.node(Greetings()):
        answer = await outside.ask("greetings.greet", b'{"name":"Ada","times":9}')
    code, text = failure(answer)
    assert code == "422"
    assert text.startswith("times: ")
    error = orjson.loads(answer.data)["error"]
    assert (error["code"], list(error["data"]["fields"])) == ("invalid", ["times"])


@pytest.mark.parametrize("payload", [b"{", b"\xff\xfe", b"[" * 3000, b"NaN", b'{"name":"Ada"}x'])
async def test_refuses_what_is_not_json(outside: Outside, payload: bytes) -> None:
    async with outside.node(Greetings()):
        assert failure(await outside.ask("greetings.greet", payload)) == ("422", "the request is not JSON")


async def test_says_nothing_of_a_defect_to_strangers(outside: Outside, caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(context: Context) -> None:
        raise ValueError("the password is secret")

    async with outside.node(Greetings(before=break_down)):
        with caplog.at_level(logging.ERROR):
            answer = await outside.ask("greetings.greet", b'{"name":"Ada"}')
        stats = await outside.discover("STATS")
    assert failure(answer) == ("500", "internal error")
    assert b"secret" not in answer.data
    assert "secret" not in str(answer.headers)
    assert "secret" not in str(stats)
    assert "secret" in caplog.text


async def test_refuses_at_once_when_the_node_is_full(outside: Outside) -> None:
    gate = Gate()
    async with outside.node(Greetings(before=gate), concurrency=1, queue_capacity=0):
        held = asyncio.ensure_future(outside.ask("greetings.greet", b'{"name":"Ada"}'))
        await eventually(lambda: gate.held)
        assert failure(await outside.ask("greetings.greet", b'{"name":"Ada"}'))[0] == "429"
        gate.open()
        assert (await held).headers is None


async def test_gives_up_when_the_callers_time_is_over(outside: Outside) -> None:
    async with outside.node(Greetings(before=Gate())):
        answer = await outside.ask("greetings.greet", b'{"name":"Ada"}', {TIMEOUT_HEADER: "30"})
        assert failure(answer)[0] == "504"


async def test_bounds_the_time_that_a_caller_may_ask_for(outside: Outside) -> None:
    greetings = Greetings()
    async with outside.node(greetings):
        await outside.ask("greetings.greet", b'{"name":"Ada"}', {TIMEOUT_HEADER: "9" * 300})
        assert greetings.contexts[0].deadline.remaining_seconds() <= 60
        assert failure(await outside.ask("greetings.greet", b"{}", {TIMEOUT_HEADER: "-1"}))[0] == "422"
        assert failure(await outside.ask("greetings.greet", b"{}", {TIMEOUT_HEADER: "soon"}))[0] == "422"


async def test_says_that_an_answer_is_too_large_rather_than_nothing(outside: Outside) -> None:
    class Long(Greetings):
        async def _answer(self, context: Context, request: Greet) -> Greeting:
            return Greeting(text="x" * 9_000_000, node="")

    async with outside.node(Long()):
        assert failure(await outside.ask("greetings.greet", b'{"name":"Ada"}')) == ("500", "internal error")


async def test_does_not_let_a_slow_handler_delay_other_calls(outside: Outside) -> None:
    gate = Gate()
    async with outside.node(Greetings(before=gate)):
        slow = asyncio.ensure_future(outside.ask("greetings.greet", b'{"name":"Ada"}'))
        await eventually(lambda: gate.held)
        assert (await outside.ask("greetings.remark", b'{"name":"Ada"}')).data == b'"well"'
        gate.open()
        await slow


async def test_does_the_work_of_a_request_that_wants_no_answer(outside: Outside) -> None:
    greetings = Greetings()
    async with outside.node(greetings):
        await outside.client.publish(f"{outside.namespace}.greetings.record", b'{"name":"Ada"}')
        await eventually(lambda: greetings.contexts)


@pytest.mark.parametrize("reply", ["MOL.DISCONNECT", "MOL-x.INFO.server", "$SRV.PING"])
async def test_is_not_made_to_speak_where_nodes_or_the_server_listen(outside: Outside, reply: str) -> None:
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await outside.client.subscribe(reply, cb=hear)
    greetings = Greetings()
    async with outside.node(greetings):
        for subject in (f"{outside.namespace}.greetings.greet", "$SRV.PING.greetings"):
            await outside.client.publish(subject, b'{"name":"Ada"}', reply=reply)
        await eventually(lambda: greetings.contexts)
        await outside.ask("greetings.remark", b'{"name":"Ada"}')
        await outside.client.flush()
    assert not heard


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ).map(orjson.dumps)
)
async def test_answers_whatever_comes_in(fuzzed: Outside, payload: bytes) -> None:
    answer = await fuzzed.ask("greetings.greet", payload)
    assert answer.headers is None or answer.headers[CODE_HEADER] == "422"
    orjson.loads(answer.data)


@pytest.fixture
async def fuzzed(outside: Outside) -> AsyncIterator[Outside]:
    async with outside.node(Greetings()):
        yield outside


@given(st.sampled_from(list(ERRORS.values())), st.text(max_size=2000), st.dictionaries(st.text(), st.integers()))
def test_any_error_fits_into_the_headers(kind: type[MeshError], message: str, data: dict[str, Any]) -> None:
    told = describe(kind(message, data))
    assert set(told.headers) == {ERROR_HEADER, CODE_HEADER}
    assert all(value and value.isascii() and value.isprintable() for value in told.headers.values())
    assert orjson.loads(told.body)["error"]["code"] == kind.code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Invalid("x"), "422"),
        (Conflict("x"), "409"),
        (NodeFull("x"), "429"),
        (NotServed("x"), "503"),
        (Late("x"), "504"),
        (Internal("x"), "500"),
    ],
)
def test_a_refusal_is_to_strangers_what_it_is_derived_from(error: MeshError, code: str) -> None:
    assert describe(error).headers[CODE_HEADER] == code


# --- which actions there are --------------------------------------------------------------------------------


async def test_keeps_private_actions_to_the_mesh(outside: Outside) -> None:
    class Discreet(Greetings):
        private = (RECORD, REMARK)

    async with outside.node(Discreet(), node="one"), outside.node(node="two") as other:
        await other.wait_for("greetings", deadline_seconds=5)
        with pytest.raises(nats.errors.NoRespondersError):
            await outside.ask("greetings.remark", b'{"name":"Ada"}')
        assert await other.call(REMARK, Greet(name="Ada")) == "well"
        assert [each["name"] for each in (await outside.discover("INFO"))["endpoints"]] == ["greet"]


async def test_a_withdrawn_service_leaves_the_door_and_comes_back(outside: Outside) -> None:
    async with outside.node(Greetings(), Hall()) as server:
        await outside.ask("greetings.remark", b'{"name":"Ada"}')
        await server.withdraw("greetings")
        with pytest.raises(nats.errors.NoRespondersError):
            await outside.ask("greetings.remark", b'{"name":"Ada"}')
        with pytest.raises(nats.errors.NoRespondersError):
            await outside.discover("PING")
        assert (await outside.discover("PING", "hall"))["name"] == "hall"
        await server.offer("greetings")
        await outside.ask("greetings.remark", b'{"name":"Ada"}')
        assert (await outside.discover("STATS"))["endpoints"][2]["num_requests"] == 2


async def test_answers_what_it_took_and_takes_nothing_more_while_it_drains(outside: Outside) -> None:
    gate = Gate()
    async with outside.node(Greetings("server", before=gate)) as server:
        held = asyncio.ensure_future(outside.ask("greetings.greet", b'{"name":"Ada"}'))
        await eventually(lambda: gate.held)
        draining = asyncio.ensure_future(server.drain())
        await eventually(lambda: not server.available(GREET.name))
        with pytest.raises(nats.errors.NoRespondersError):
            await outside.ask("greetings.remark", b'{"name":"Ada"}')
        gate.open()
        await draining
        assert orjson.loads((await held).data)["node"] == "server"


async def test_no_request_is_lost_when_one_of_two_nodes_drains(outside: Outside) -> None:
    services = [Greetings("staying"), Greetings("leaving")]
    async with outside.node(services[0], node="staying"):
        async with outside.node(services[1], node="leaving"):
            asking = asyncio.ensure_future(_ask_often(outside, 160))
            await eventually(lambda: len(services[1].contexts) > 50)
        answers = await asking
    assert len(answers) == 640 == sum(len(service.contexts) for service in services)
    assert not any(answer.headers for answer in answers)


async def _ask_often(outside: Outside, times: int) -> list[Msg]:
    answers: list[Msg] = []
    for _ in range(times):
        answers += await asyncio.gather(*(outside.ask("greetings.record", b'{"name":"Ada"}') for _ in range(4)))
    return answers


async def test_says_that_the_door_is_closed_on_a_transport_that_cannot(caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker(BrokerConfig(region="west", node="server"), MemoryNetwork().transport())
    broker.add(Greetings("server"))
    with caplog.at_level(logging.INFO):
        async with broker:
            assert (await broker.call(GREET, Greet(name="Ada"))).node == "server"
    assert caplog.text.count("the micro door stays closed") == 1


# --- discovery ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "kind"), [("PING", ServicePing), ("INFO", ServiceInfo), ("STATS", ServiceStats)], ids=str
)
async def test_describes_itself_field_by_field_as_the_ecosystems_own_library_does(
    outside: Outside, verb: str, kind: Any
) -> None:
    async def answer(request: Any) -> None:
        await request.respond(request.data)

    theirs = await nats.micro.add_service(outside.client, name="reference", version="1.0.0", description="greets")
    await theirs.add_endpoint(name="greet", subject="reference.greet", handler=answer, metadata={"a": "b"})
    await outside.client.request("reference.greet", b"{}")
    async with outside.node(Greetings()):
        await outside.ask("greetings.greet", b'{"name":"Ada"}')
        reference, own = await outside.discover(verb, "reference"), await outside.discover(verb)
    await theirs.stop()
    assert _shape(own) == _shape(reference)
    assert own["type"] == reference["type"]
    assert kind.from_dict(own).name == "greetings"


def _shape(value: Any) -> Any:
    """Names and types; of a list, its first item stands for all. Metadata are free."""
    if isinstance(value, dict):
        return {key: type(item) if key == "metadata" else _shape(item) for key, item in value.items()}
    return [_shape(value[0])] if isinstance(value, list) else type(value)


async def test_is_found_by_all_three_subjects_of_each_verb(outside: Outside) -> None:
    async with outside.node(Greetings(), node="one"), outside.node(Greetings(), Hall(), node="two"):
        for verb in ("PING", "INFO", "STATS"):
            everybody = await outside.all_answers(f"$SRV.{verb}", 3)
            assert sorted(each["name"] for each in everybody) == ["greetings", "greetings", "hall"]
            namesakes = await outside.all_answers(f"$SRV.{verb}.greetings", 2)
            assert {each["metadata"]["node"] for each in namesakes} == {"one", "two"}
            identities = {each["id"] for each in everybody}
            assert len(identities) == 3
            for each in namesakes:
                (alone,) = await outside.all_answers(f"$SRV.{verb}.greetings.{each['id']}", 1)
                assert alone["metadata"] == each["metadata"]


async def test_obeys_the_rules_for_names_and_versions(outside: Outside) -> None:
    async with outside.node(Greetings()):
        info = await outside.discover("INFO")
    assert SEMVER_REGEX.match(info["version"])
    assert NAME_REGEX.match(info["name"])
    for endpoint in info["endpoints"]:
        assert NAME_REGEX.match(endpoint["name"])
        assert endpoint["subject"] == f"{outside.namespace}.greetings.{endpoint['name']}"
        assert endpoint["queue_group"] == "q"
    assert info["metadata"] == {"node": "server", "region": "west", "namespace": outside.namespace}


async def test_tells_the_schemas_of_requests_and_responses(outside: Outside) -> None:
    async with outside.node(Greetings(), Hall()):
        info = await outside.discover("INFO")
    metadata = {each["name"]: each["metadata"] for each in info["endpoints"]}
    assert all(isinstance(value, str) for each in metadata.values() for value in each.values())
    request = orjson.loads(metadata["greet"]["request_schema"])
    assert request["properties"]["name"]["maxLength"] == 20
    assert request["required"] == ["name"]
    assert orjson.loads(metadata["greet"]["response_schema"])["required"] == ["text", "node"]
    assert orjson.loads(metadata["remark"]["response_schema"]) == {"type": "string"}
    assert (metadata["greet"]["safe"], metadata["record"]["safe"]) == ("true", "false")
    assert WELCOME.verb not in metadata


async def test_counts_requests_errors_and_time(outside: Outside) -> None:
    async with outside.node(Greetings()):
        for payload in (b'{"name":"Ada"}', b'{"name":"Bob"}', b"{}"):
            await outside.ask("greetings.greet", payload)
        endpoints = (await outside.discover("STATS"))["endpoints"]
    greet, record = endpoints[0], endpoints[1]
    assert (greet["num_requests"], greet["num_errors"]) == (3, 1)
    assert greet["last_error"] == "name: Field required"
    assert greet["processing_time"] > 0
    assert greet["average_processing_time"] == greet["processing_time"] // 3
    assert (record["num_requests"], record["num_errors"], record["last_error"]) == (0, 0, "")
    assert (record["processing_time"], record["average_processing_time"]) == (0, 0)


async def test_leaves_out_what_answers_with_a_stream(outside: Outside) -> None:
    class Files(Service):
        name = "files"

        @action(READ)
        async def read(self, context: Context, request: Nothing) -> Stream[bytes]:
            raise NotImplementedError

        @action(LINES)
        async def lines(self, context: Context, request: Nothing) -> int:
            return 7

    async with outside.node(Files()):
        assert [each["name"] for each in (await outside.discover("INFO", "files"))["endpoints"]] == ["lines"]
        assert (await outside.ask("files.lines", b"")).data == b"7"


async def test_versions_of_a_service_share_its_name_but_not_their_endpoints(outside: Outside) -> None:
    class Newer(Service):
        name = "greetings"
        version = 2

        @action(NEWER)
        async def greet(self, context: Context, request: Greet) -> Greeting:
            return Greeting(text="Hi", node="")

    async with outside.node(Greetings(), Newer()):
        versions = {each["version"]: each for each in await outside.all_answers("$SRV.INFO.greetings", 2)}
        assert sorted(versions) == ["1.0.0", "2.0.0"]
        assert versions["2.0.0"]["endpoints"][0]["subject"] == f"{outside.namespace}.v2.greetings.greet"
        assert orjson.loads((await outside.ask("v2.greetings.greet", b'{"name":"Ada"}')).data)["text"] == "Hi"
