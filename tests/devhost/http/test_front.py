"""The HTTP listener: the requests that a function receives, and the responses that a client gets."""

import hashlib
import http.client
import json
import os
import socket
from typing import Any

import pytest

from tests.devhost.harness import Host


def echo(host: Host, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> dict[str, Any]:
    return dict(host.request(method, path, body, headers).json())


def test_a_function_receives_the_request_unchanged(web: Host) -> None:
    seen = echo(web, "/echo/J%C3%BCrgen/a%2Fb?q=1%202", "POST", b"\x00\xff\r\n", Accept="*/*")
    assert seen["method"] == "POST"
    assert seen["url"] == f"http://127.0.0.1:{web.port}/echo/J%C3%BCrgen/a%2Fb?q=1%202"
    assert seen["route"] == {"name": "Jürgen", "note": "a/b"}
    assert seen["params"] == {"q": "1 2"}
    assert seen["headers"]["accept"] == "*/*"
    assert bytes.fromhex(seen["body"]) == b"\x00\xff\r\n"


def test_an_optional_route_parameter_may_be_missing(web: Host) -> None:
    assert echo(web, "/echo/a/")["route"] == {"name": "a"}


def test_empty_query_values_are_dropped_and_repeated_ones_joined(web: Host) -> None:
    assert echo(web, "/echo/a?x=1&x=2&empty=")["params"] == {"x": "1,2"}


def test_repeated_request_headers_are_joined(web: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.putrequest("GET", "/echo/a")
    connection.putheader("X-Many", "1")
    connection.putheader("X-Many", "2")
    connection.endheaders()
    answer = connection.getresponse().read()
    connection.close()
    assert b'"x-many": "1,2"' in answer


def test_a_body_without_a_length_does_not_reach_the_function(web: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    connection.request(
        "POST", "/echo/a", iter([b"some ", b"text"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    seen = json.loads(connection.getresponse().read())
    connection.close()
    assert (seen["body"], seen["headers"]["transfer-encoding"]) == ("", "chunked")


def test_empty_headers_arrive_as_they_are_in_both_directions(web: Host) -> None:
    assert web.request("GET", "/echo/a", headers={"X-Nothing": ""}).json()["headers"]["x-nothing"] == ""
    assert web.get("/status/200").headers["X-Empty"] == ""


def test_an_empty_content_type_arrives_as_it_is_but_is_not_sent(web: Host) -> None:
    """ASP.NET Core removes the header when the real host sets an empty one, and adds none of its own."""
    assert web.request("GET", "/echo/a", headers={"Content-Type": ""}).json()["headers"]["content-type"] == ""
    answer = web.get("/untyped")
    assert (answer.body, answer.headers["Content-Type"]) == (b"text", None)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_keeps_its_headers_and_has_no_length(web: Host, status: int) -> None:
    answer = web.get(f"/status/{status}")
    assert (answer.status, answer.body) == (status, b"")
    assert (answer.headers["ETag"], answer.headers["Content-Length"]) == ('"1"', None)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"  # the SDK adds it


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_body_with_a_status_that_has_none_gives_a_500(web: Host, status: int) -> None:
    assert web.get(f"/status/{status}/body").status == 500


def test_a_compressed_body_is_not_decompressed(web: Host) -> None:
    seen = echo(web, "/echo/a", "POST", b"\x1f\x8bnot really", **{"Content-Encoding": "gzip"})
    assert bytes.fromhex(seen["body"]) == b"\x1f\x8bnot really"


def test_paths_ignore_case(web: Host) -> None:
    assert web.get("/VERBS").body == b"verbs"


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/big/literal", b"literal"), ("/big/3", b"xxx"), ("/big/x3", b"named")],
)
def test_literal_routes_come_before_constrained_ones_and_those_before_plain_ones(
    web: Host, path: str, answer: bytes
) -> None:
    assert web.get(path).body == answer


@pytest.mark.parametrize(
    ("path", "rest"), [("/files/a/b.txt", b"a/b.txt"), ("/files", b"-"), ("/files/a%0Ab", b"a\nb")]
)
def test_a_catch_all_parameter_matches_the_rest_of_the_path(web: Host, path: str, rest: bytes) -> None:
    assert web.get(path).body == rest


@pytest.mark.parametrize(("path", "answer"), [("/original", 404), ("/Renamed", 200), ("/blueprint", 200)])
def test_a_function_without_a_route_answers_under_its_name(web: Host, path: str, answer: int) -> None:
    assert web.get(path).status == answer


def test_an_unknown_path_is_not_found(web: Host) -> None:
    answer = web.get("/nowhere")
    assert (answer.status, answer.body) == (404, b"")


def test_a_response_to_a_wrong_method_lists_the_allowed_ones(web: Host) -> None:
    answer = web.request("DELETE", "/verbs")
    assert (answer.status, answer.headers["Allow"], answer.body) == (405, "GET, POST", b"")


def test_head_works_only_on_functions_that_declare_it(web: Host) -> None:
    assert web.request("HEAD", "/verbs").status == 405
    declared = web.request("HEAD", "/files/a")
    assert (declared.status, declared.body, declared.headers["Content-Length"]) == (200, b"", "1")


def test_cookies_stay_separate_and_headers_arrive(web: Host) -> None:
    answer = web.get("/cookies")
    assert (answer.status, answer.headers["X-Note"]) == (201, "a")
    assert answer.headers.get_all("Set-Cookie") == ["one=1; Path=/", "two=2; HttpOnly"]


def test_a_string_result_is_sent_as_plain_text(web: Host) -> None:
    assert web.get("/verbs").headers["Content-Type"] == "text/plain; charset=utf-8"


def test_an_unhandled_exception_gives_an_empty_500_and_a_traceback_in_the_log(web: Host) -> None:
    answer = web.get("/breaks")
    assert (answer.status, answer.body) == (500, b"")
    assert "RuntimeError: secret detail" in web.log()
    assert "about to break" in web.log()


def test_a_function_that_returns_none_gives_a_500(web: Host) -> None:
    assert web.get("/nothing").status == 500


def test_a_header_with_a_line_break_is_not_sent(web: Host) -> None:
    answer = web.get("/split")
    assert answer.status == 500
    assert "X-Injected" not in answer.headers


def test_a_body_of_a_hundred_megabytes_arrives_complete(web: Host) -> None:
    body = os.urandom(1 << 20) * 100
    answer = web.request("PUT", "/digest", body)
    assert answer.body.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"


def test_a_larger_body_is_refused(web: Host) -> None:
    answer = web.request("PUT", "/digest", headers={"Content-Length": str(101 << 20)})
    assert answer.status == 413


def test_a_large_response_arrives_complete(web: Host) -> None:
    assert len(web.get(f"/big/{64 << 20}").body) == 64 << 20


def test_one_connection_serves_many_requests(web: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    for _ in range(20):
        connection.request("GET", "/verbs")
        assert connection.getresponse().read() == b"verbs"
    first = connection.sock
    connection.request("GET", "/breaks")
    assert connection.getresponse().read() == b""
    assert connection.sock is first
    connection.close()


def test_clients_that_disconnect_early_do_no_harm(web: Host) -> None:
    for request in (
        b"PUT /digest HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart",
        b"GET /big/9000000 HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", web.port)) as connection:
            connection.sendall(request)
    assert web.get("/verbs").status == 200
    assert "Unhandled exception" not in web.log()
