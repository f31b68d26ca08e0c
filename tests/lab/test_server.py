"""The local server, tested as it runs: who may ask, what, how much and how long; and that its numbers are PyTorch's."""

import base64
import json
import random
import socket
import time

import numpy as np
import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from whyshape.errors import WhyshapeError  # noqa: E402
from whyshape.lab import trained  # noqa: E402
from whyshape.lab.guard import CLOSED  # noqa: E402
from whyshape.lab.page import normalised, sample_pixels  # noqa: E402
from whyshape.lab.record import calls  # noqa: E402
from whyshape.lab.server import listening  # noqa: E402
from whyshape.lab.values import value  # noqa: E402

PIXELS = base64.b64encode(sample_pixels()[4]).decode()


def test_the_page_is_served_with_closed_headers(server):
    """The page, and the headers that keep it closed."""
    answer = server.ask("GET", server.path, headers={"origin": None})
    assert answer.status_code == 200 and answer.text.startswith("<!doctype html>")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_forward_gives_pytorch_s_numbers(server):
    """Every layer's numbers, to the bit."""
    told = server.post("forward", {"pixels": PIXELS}).json()["values"]
    network, facts = trained.read()
    seen = calls(network, normalised(sample_pixels()[4], facts))
    got = [np.frombuffer(base64.b64decode(text), "<f4") for text in told if text is not None]
    assert len(got) == 12 and told[8] is None  # the input and eleven layers; flatten is no layer
    for ours, call in zip(got[1:], seen):
        np.testing.assert_allclose(ours, call.output.numpy().ravel(), rtol=1e-6, atol=1e-6)


def test_explain_gives_the_value(server):
    """The same as `whyshape value`."""
    told = server.post("explain", {"pixels": PIXELS, "layer": "conv.conv_2", "at": [3, 5, 7]}).json()
    network, facts = trained.read()
    wanted = value(network, "conv.conv_2", (3, 5, 7), normalised(sample_pixels()[4], facts)).to_dict()
    assert told["result"] == pytest.approx(wanted["result"], rel=1e-6) and told["equal"] is True
    assert [part["name"] for part in told["parts"]] == [f"map {i}" for i in range(10)]


HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:1",
    "localhost",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
    "",
    "127.0.0.1:{port}@evil.example",
]


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_is_refused(server, host):
    """DNS rebinding: a name that points here is not this server's name."""
    answer = server.raw(f"GET {server.path} HTTP/1.1\r\nHost: {host.format(port=server.port)}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "this server answers to 127.0.0.1 and localhost only"}


def test_no_host_and_two_hosts_are_refused(server):
    """HTTP/1.0 without a Host gets 403; two Hosts are no HTTP and get nothing, or 403."""
    assert server.raw(f"GET {server.path} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.1 403")
    twice = f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert server.raw(twice.encode())[:12] in (b"", b"HTTP/1.1 403")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_its_own_names_are_accepted(server, name):
    """The three ways this machine calls itself."""
    answer = server.ask("GET", server.path, headers={"host": f"{name}:{server.port}", "origin": None})
    assert answer.status_code == 200


ORIGINS = [
    "http://evil.example",
    "null",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:1",
    "http://127.0.0.1",
    "http://localhost:{port}.evil.example",
    None,
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_origin_is_refused(server, origin):
    """Cross-site requests, and requests that do not say where they come from."""
    origin = origin and origin.format(port=server.port)
    answer = server.post("forward", {"pixels": PIXELS}, headers={"origin": origin})
    assert (answer.status_code, answer.json()) == (403, {"error": "only the page of this server may ask it"})


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_is_refused(server, site):
    """What a browser says of a request another page made."""
    for answer in (
        server.post("forward", {}, headers={"sec-fetch-site": site}),
        server.ask("GET", server.path, headers={"sec-fetch-site": site}),
    ):
        assert (answer.status_code, answer.json()) == (403, {"error": "another site's page may not ask this server"})


def test_nothing_is_shared_with_other_origins(server):
    """No CORS header, not even for a preflight."""
    answer = server.ask("OPTIONS", server.path + "forward", headers={"access-control-request-method": "POST"})
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def variants(path: str) -> list[str]:
    """Two hundred ways to ask for a file or to miss the token."""
    ups = [
        "../",
        "..\\",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%2f",
        "%2e./",
        ".%2e/",
        "..%5c",
        "%252e%252e/",
        "..;/",
        "....//",
        "%c0%ae%c0%ae/",
        "..%00/",
        "/../",
        "./../",
    ]
    files = ["etc/passwd", "play.js", "_web/play.js", "lab/checkpoint/digits.json", "pyproject.toml", "%2fetc%2fpasswd"]
    found = [path + up * depth + file for up in ups for depth in (1, 6) for file in files]
    token = path.strip("/")
    found += [
        "/",
        "//",
        "/favicon.ico",
        "/forward",
        "/explain",
        f"/{token}",
        f"/{token}//",
        f"/{token}/forward/",
        f"/{token}/./",
        f"/{token}/%66orward",
    ]
    found += [
        f"/{token[:-1]}/",
        f"/{token}x/",
        f"/{token.swapcase()}/",
        f"//{token}/",
        f"/x/../{token}/",
        f"/{token}/?/../../x"[:-3] + "..",
    ]
    found += [f"/{token}/static/{name}" for name in ("play.js", "play.css", "..%2f..%2fx", "a.map")]
    return found


def test_two_hundred_ways_out_lead_nowhere(server):
    """Every variant is 404, and nobody is told anything about files."""
    asked = [path for path in variants(server.path) if "?" not in path]
    assert len(asked) >= 199
    asked.append(server.path + "x")
    for path in asked:
        answer = server.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404") and answer.endswith(b'{"error":"there is nothing here"}'), path


WRONG = {
    "not JSON": (b"{", {}, 400, "the body is not JSON"),
    "deep": (b"[" * 200_000, {}, 400, "the body is not JSON"),
    "a list": (b"[]", {}, 400, "the body is not a JSON object"),
    "a form": (b"pixels=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "the body must be application/json"),
    "plain text": (b"{}", {"content-type": "text/plain"}, 415, "the body must be application/json"),
    "no pixels": (b"{}", {}, 400, "pixels must be base64"),
    "not base64": (b'{"pixels": "*"}', {}, 400, "pixels must be base64"),
    "too few": (b'{"pixels": "AAAA"}', {}, 400, "pixels must be 28 x 28 = 784 bytes, 3 arrived"),
    "too large": (b" " * (1 << 20) + b"{}", {}, 413, "the body is larger than 1048576 bytes"),
}


@pytest.mark.parametrize("body, headers, status, sentence", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_body_is_a_sentence(server, body, headers, status, sentence):
    """Each with its status."""
    answer = server.ask("POST", server.path + "forward", content=body, headers={"content-type": "application/json"} | headers)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})


def test_a_chunked_body_is_counted_too(server):
    """Without a Content-Length the bytes are counted as they come."""

    def chunks():
        for _ in range(40):
            yield b" " * 65536

    try:
        answer = server.ask("POST", server.path + "forward", content=chunks(), headers={"content-type": "application/json"})
    except (httpx.WriteError, httpx.ReadError):
        return  # the server had enough and closed before all was sent
    assert answer.status_code == 413


EXPLAIN = {
    "no layer": ({"at": [0]}, "explain takes a layer and a place such as [3, 5, 7]"),
    "a place in words": ({"layer": "fc.fc1", "at": ["0"]}, "explain takes a layer and a place such as [3, 5, 7]"),
    "outside": ({"layer": "fc.fc2", "at": [10]}, "fc.fc2 gives 10 for each input, so places go from 0 to 9; 10 is not one"),
}


@pytest.mark.parametrize("question, sentence", EXPLAIN.values(), ids=EXPLAIN.keys())
def test_a_wrong_question_is_a_sentence(server, question, sentence):
    """The same sentences as on the command line."""
    answer = server.post("explain", {"pixels": PIXELS} | question)
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_other_methods_are_refused(server):
    """Each path has one method."""
    asked = [("POST", ""), ("PUT", ""), ("DELETE", "forward"), ("GET", "forward"), ("PATCH", "explain"), ("HEAD", "")]
    assert [server.ask(method, server.path + what).status_code for method, what in asked] == [405] * 6


def test_every_answer_carries_the_closed_headers(server):
    """200, 400, 403, 404, 405, 413, 415: all of them."""
    answers = [
        server.ask("GET", server.path), server.post("forward", {"pixels": PIXELS}), server.post("forward", {}), server.ask("GET", "/x"),
        server.ask("PUT", server.path), server.ask("GET", server.path, headers={"host": "evil.example"}),
        server.ask("POST", server.path + "forward", content=b"x", headers={"content-type": "text/plain"}),
        server.ask("POST", server.path + "forward", content=b" " * (1 << 21), headers={"content-type": "application/json"}),
    ]  # fmt: skip
    assert sorted({answer.status_code for answer in answers}) == [200, 400, 403, 404, 405, 413, 415]
    for answer in answers:
        for name, text in CLOSED.items():
            assert answer.headers[name] == text or (name == "content-security-policy" and "frame-ancestors 'none'" in answer.headers[name])
        assert "server" not in answer.headers and "date" not in answer.headers


def test_a_slow_request_is_dropped(server):
    """A head or a body that drips in is given up after ten seconds; others are served meanwhile."""
    head = socket.create_connection(("127.0.0.1", server.port), 20)
    head.sendall(b"GET / HTTP/1.1\r\nHost: 127")
    body = socket.create_connection(("127.0.0.1", server.port), 20)
    lines = [
        f"POST {server.path}forward HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Origin: {server.origin}",
        "Content-Type: application/json",
    ]
    body.sendall(("\r\n".join([*lines, "Content-Length: 100"]) + "\r\n\r\n{").encode())
    assert server.ask("GET", server.path).status_code == 200
    start = time.monotonic()
    assert body.recv(4096).startswith(b"HTTP/1.1 408")
    assert head.recv(4096) == b""
    assert 5 < time.monotonic() - start < 15
    head.close()
    body.close()


def test_noise_gets_no_answer(server):
    """What is no HTTP ends the connection, and the server goes on."""
    for noise in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\r\n" * 9 + b"X", random.Random(0).randbytes(500) + b"\r\n\r\n"):
        assert server.raw(noise, wait=0.5) == b""
    assert server.ask("GET", server.path).status_code == 200


def test_it_listens_on_loopback_only(server):
    """The socket is bound to 127.0.0.1, so no other machine can reach it."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        bound = [line.split()[1] for line in table if line.split()[3] == "0A" and line.split()[1].endswith(f":{server.port:04X}")]
    assert bound == [f"0100007F:{server.port:04X}"]


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_cannot_be_is_a_sentence(port):
    """Out of range."""
    with pytest.raises(WhyshapeError, match=f"^port {port} of 127.0.0.1 cannot be used: "):
        listening(port)


def test_a_port_in_use_is_a_sentence(server):
    """Somebody listens there."""
    with pytest.raises(WhyshapeError, match=f"^port {server.port} of 127.0.0.1 cannot be used: "):
        listening(server.port)
