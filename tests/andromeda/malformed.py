"""Requests that are wrong in every way we could think of, made from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from urllib.parse import quote_from_bytes

FETCH = b"/slugsurvival/data/fetch/"
SEARCH = b"/slugsurvival/data/search"
PATHS = [FETCH + b"terms/2168", FETCH + b"terms", FETCH + b"timestamp/terms/2168", SEARCH, b"/", b"/docs", b"/readyz"]
METHODS = b"GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND get G\xc3\x89T PRI FOO".split()
NASTY = [
    b"%", b"%%", b"%2", b"%zz", b"%00", b"%ff%fe", b"%c0%af", b"..", b"%2e%2e", b"//", b"\\", b"~", b"'", b'"', b"<x>",
    b"${jndi:ldap://x}", b"{{7*7}}", b"%0d%0aX-Injected:1", b"\x00", b"\x7f", b"\xff\xfe", b"caf\xc3\xa9", b";", b"#",
    b"' OR 1=1 --", b"%u0041", b"\xed\xa0\x80", b"[::1]", b"http://x/", b"2168" * 50, b"*",
]  # fmt: skip
PARAMETERS = b"q term ge subject limit Limit limit[] __proto__ x".split()
HEADERS = [
    b"Accept-Encoding", b"If-None-Match", b"X-Request-Id", b"Host", b"Range", b"If-Match", b"Connection", b"Upgrade",
    b"Content-Type", b"Cookie", b"Origin", b"Expect", b"TE", b"Forwarded", b"X-Forwarded-For", b"Accept",
]  # fmt: skip
VALUES = [
    b"", b"*", b"gzip;q=", b"gzip;q=1.0001", b"gzip;q=nan", b",,,;;;===", b'"', b'W/"', b'W/W/""', b"bytes=0-,-1,9-2",
    b"close, keep-alive, upgrade", b"websocket", b"h2c", b"100-continue", b"chunked", b"\xff" * 40, b"a" * 4000, b"\t",
    b"application/json; charset=utf-99", b"-1", b"99999999999999999999", b"%0d%0a", b"null", b"identity;q=0, *;q=0",
]  # fmt: skip
FRAMINGS = [
    b"Content-Length: -1", b"Content-Length: 5, 6", b"Content-Length: 0x10", b"Content-Length: 99999999999999999999999",
    b"Content-Length: 3\r\nContent-Length: 4", b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: chunked",
    b"Content-Length: abc", b"Content-Encoding: gzip\r\nContent-Length: 4", b"Content-Length: 1000",
]  # fmt: skip
VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/9.9",
    b"http/1.1",
    b"HTTP/1.1.1",
    b"HTTP/",
    b"",
    b"FTP/1",
]


def requests(seed: int, number: int) -> Iterator[bytes]:
    random = Random(seed)
    families: list[Callable[[Random], bytes]] = [
        _path, _parameters, _headers, _body, _method, _framing, _version, _flipped, _garbage, _truncated, _large,
    ]  # fmt: skip
    for _ in range(number):
        yield random.choice(families)(random)


def request(
    path: bytes, *headers: bytes, method: bytes = b"GET", version: bytes = b"HTTP/1.1", body: bytes = b""
) -> bytes:
    return b"\r\n".join([b" ".join((method, path, version)), b"Host: x", *headers, b"", body])


def _path(random: Random) -> bytes:
    base = random.choice([FETCH, FETCH + b"terms/", FETCH + b"timestamp/", SEARCH, b"/", b"/static/", b""])
    return request(base + b"".join(random.choices(NASTY, k=random.randint(1, 3))) + random.choice([b"", b".json"]))


def _parameters(random: Random) -> bytes:
    pairs = [random.choice(PARAMETERS) + b"=" + _value(random) for _ in range(random.randint(1, 6))]
    return request(random.choice([SEARCH, FETCH + b"terms"]) + b"?" + random.choice([b"&", b";", b"&&"]).join(pairs))


def _value(random: Random) -> bytes:
    choices = [
        random.choice(NASTY),
        random.choice(VALUES).replace(b" ", b"+"),
        quote_from_bytes(random.randbytes(9)).encode(),
    ]
    return random.choice(
        [*choices, str(random.randint(-(10**12), 10**12)).encode(), b"1e9", b"1_0", b"0x1", b"\xd9\xa1"]
    )


def _headers(random: Random) -> bytes:
    lines = [
        random.choice(HEADERS) + random.choice([b": ", b":", b" : ", b"", b":\t"]) + random.choice(VALUES)
        for _ in range(random.randint(1, 8))
    ]
    return request(random.choice(PATHS), *lines)


def _body(random: Random) -> bytes:
    body = random.choice([b"{", b"null", b"\x00" * 50, random.randbytes(200), b'{"code":' + b"[" * 2000])
    method = random.choice([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS"])
    return request(random.choice(PATHS), b"Content-Length: %d" % len(body), method=method, body=body)


def _method(random: Random) -> bytes:
    return request(random.choice([*PATHS, b"*", b"x:80", b"http://x/y"]), method=random.choice(METHODS))


def _framing(random: Random) -> bytes:
    body = random.choice([b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"zz\r\nabc", b"-1\r\n", b"ffffffffffffffffff\r\n", b""])
    return request(random.choice(PATHS), random.choice(FRAMINGS), method=random.choice([b"GET", b"POST"]), body=body)


def _version(random: Random) -> bytes:
    return request(random.choice(PATHS), version=random.choice(VERSIONS))


def _flipped(random: Random) -> bytes:
    sound = bytearray(request(random.choice(PATHS), b"Accept-Encoding: gzip", b'If-None-Match: "a"'))
    for _ in range(random.randint(1, 4)):
        sound[random.randrange(len(sound))] = random.randrange(256)
    return bytes(sound)


def _garbage(random: Random) -> bytes:
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(64)
    return random.choice([random.randbytes(random.randint(1, 500)), tls, b"\r\n" * 50 + b"x\r\n\r\n", b"SSH-2.0-x\r\n"])


def _truncated(random: Random) -> bytes:
    sound = request(random.choice(PATHS), b"Accept-Encoding: gzip", b"X-Request-Id: a")
    return sound[: random.randrange(1, len(sound) - 1)]


def _large(random: Random) -> bytes:
    long = b"a" * random.choice([9_000, 40_000, 70_000])
    return random.choice(
        [
            request(b"/" + long),
            request(SEARCH + b"?q=" + long),
            request(b"/", b"X: " + long),
            request(b"/", *[b"A: b"] * 200),
        ]
    )
