"""Signed in by a cookie: read strictly, out of reach of scripts, of no use to pages of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from hubbub.server.origin import Authority
from hubbub.server.web.cookies import LONGEST, Visitor, check_site, cookie_name, read_cookie, set_cookie
from serving import Server, serving

HELLO = {"username": "alice", "cookie": True}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--demo") as started:
        yield started


@pytest.fixture
def web(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client


@pytest.fixture(scope="module")
def alice(server: Server) -> str:
    """The header of a login that no test ends: a password takes its time."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        return sign_in(client)


def sign_in(web: httpx.Client, name: str = "alice") -> str:
    """By password, in a demo; the header that a browser would send from then on."""
    answer = web.post("/api/v1/login", json={"username": name, "password": name, "cookie": True})
    assert answer.status_code == 200, answer.text
    (pair,) = answer.headers.get_list("set-cookie")
    web.cookies.clear()
    return pair.partition(";")[0]


# -- reading and writing


@pytest.mark.parametrize(
    ("values", "token"),
    [
        ([b"hubbub_80=a.1.x-_"], "a.1.x-_"),
        ([b"other=1; hubbub_80=abc; more=2"], "abc"),
        ([b"other=1", b"\thubbub_80=abc "], "abc"),
        ([b"hubbub_80=" + b"x" * LONGEST], "x" * LONGEST),
        ([b"hubbub_80=" + b"x" * (LONGEST + 1)], None),
        ([b"hubbub_80="], None),
        ([b"hubbub_80"], None),
        ([b"hubbub_81=abc"], None),
        ([b"Hubbub_80=abc"], None),
        ([b"xhubbub_80=abc"], None),
        ([b'hubbub_80="abc"'], None),
        ([b"hubbub_80=a b"], None),
        ([b"hubbub_80=a=b"], None),
        ([b"hubbub_80=\xff\x00"], None),
        ([b"hubbub_80=abc; hubbub_80=abc"], None),
        ([b"hubbub_80=abc", b"hubbub_80=def"], None),
        ([b";;;=;hubbub_80=abc;"], "abc"),
        ([], None),
    ],
)
def test_a_cookie_is_read_strictly(values: list[bytes], token: str | None) -> None:
    assert read_cookie(values, "hubbub_80") == token


def test_its_name_has_the_port_that_the_browser_asked_for() -> None:
    assert cookie_name(Authority("a.example", 8080), "http") == "hubbub_8080"
    assert cookie_name(Authority("a.example"), "http") == "hubbub_80"
    assert cookie_name(Authority("a.example"), "https") == "hubbub_443"


@pytest.mark.parametrize("https", [False, True])
def test_its_attributes_keep_it_from_scripts_and_other_sites(*, https: bool) -> None:
    visitor = Visitor("127.0.0.1", True, False, https, "hubbub_80", None)
    cookie = SimpleCookie(set_cookie(visitor, "a.1.x"))["hubbub_80"]
    assert (cookie.value, cookie["path"], cookie["samesite"], cookie["domain"]) == (
        "a.1.x",
        "/",
        "Strict",
        "",
    )
    assert (cookie["httponly"], bool(cookie["secure"])) == (True, https)
    assert int(cookie["max-age"]) == 400 * 86_400


@pytest.mark.parametrize(
    ("values", "origin", "good"),
    [
        ([], False, True),
        ([b"same-origin"], False, True),
        ([b"none"], False, True),
        ([b"same-site"], True, True),
        ([b"same-site"], False, False),
        ([b"cross-site"], False, False),
        ([b"cross-site"], True, False),
        ([b"same-origin", b"same-origin"], True, False),
        ([b"SAME-ORIGIN"], False, False),
        ([b""], False, False),
    ],
)
def test_where_a_request_with_a_cookie_may_come_from(
    values: list[bytes], *, origin: bool, good: bool
) -> None:
    assert (check_site(values, origin=origin) is None) == good


# -- on a started server


def test_a_page_is_signed_in_on_the_websocket_by_its_cookie(server: Server, alice: str) -> None:
    line = server.websocket(Cookie=alice)
    told = line.ask("login")["data"]
    assert (told["username"], told["role"], told["token"]) == ("alice", "admin", "")
    assert "refresh_token" not in told
    assert alice.partition("=")[2] not in str(told)
    assert line.ask("login")["error"]["code"] == "bad_request"  # it is logged in already


def test_a_token_of_an_hour_becomes_no_cookie(server: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as web:
        token = web.post("/api/v1/login", json={"username": "bob", "password": "bob"}).json()["token"]
        answer = web.post("/api/v1/login", json={"token": token, "cookie": True})
    assert (answer.status_code, answer.json()["field"]) == (400, "token")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("header", [{}, {"Cookie": "hubbub_1=a.1.x"}, {"Cookie": "hubbub_{port}=a b"}])
def test_without_a_cookie_of_ours_a_page_is_told_to_sign_in(server: Server, header: dict[str, str]) -> None:
    line = server.websocket(**{name: value.format(port=server.port) for name, value in header.items()})
    assert line.ask("login")["error"]["code"] == "unauthenticated"
    assert "data" in line.ask("login", username="somebody"), "and may do so on the same line"


@pytest.mark.parametrize("token", ["a.0123456789abcdef.x", "g.1.2.3.4", "r.1.2", "x" * LONGEST])
def test_a_stale_cookie_is_told_and_cleared(server: Server, web: httpx.Client, token: str) -> None:
    cookie = f"hubbub_{server.port}={token}"
    assert server.websocket(Cookie=cookie).ask("login")["error"]["code"] == "bad_credentials"
    for path in ("me", "rooms"):
        answer = web.get(f"/api/v1/{path}", headers={"Cookie": cookie})
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
        assert answer.headers["set-cookie"].startswith(f"hubbub_{server.port}=; Path=/; Max-Age=0; HttpOnly;")


def test_logging_out_on_the_websocket_ends_the_login_of_the_cookie(server: Server, web: httpx.Client) -> None:
    cookie = sign_in(web)
    line = server.websocket(Cookie=cookie)
    line.ask("login")
    assert line.ask("logout")["type"] == "response"
    assert line.ask("login")["error"]["code"] == "bad_credentials"
    assert web.get("/api/v1/me", headers={"Cookie": cookie}).status_code == 401


def test_the_cookie_of_another_port_is_none_of_ours(web: httpx.Client, alice: str) -> None:
    name, _, token = alice.partition("=")
    assert web.get("/api/v1/me", headers={"Cookie": f"{name}={token}"}).status_code == 200
    assert web.get("/api/v1/me", headers={"Cookie": f"{name}1={token}"}).status_code == 401
    assert web.get("/api/v1/me", headers={"Cookie": f"hubbub_80={token}"}).status_code == 401


def test_files_go_and_come_by_the_cookie(web: httpx.Client, alice: str) -> None:
    headers = {"Cookie": alice, "Tus-Resumable": "1.0.0"}
    metadata = "filename bm90ZS50eHQ=,room bG9iYnk="
    made = web.post(
        "/files", headers={**headers, "Upload-Length": "5", "Upload-Metadata": metadata, **FROM_HERE}
    )
    assert made.status_code == 201, made.text
    piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream", **FROM_HERE}
    sent = web.patch(made.headers["location"], headers={**headers, **piece}, content=b"hello")
    assert sent.status_code == 204, sent.text
    listed = web.get("/api/v1/files", headers=headers).json()["files"]
    fetched = web.get(f"/blobs/{listed[0]['file']}/note.txt", headers=headers)
    assert (fetched.status_code, fetched.content) == (200, b"hello")
    assert web.get(f"/blobs/{listed[0]['file']}/note.txt").status_code == 401
    for site in ("cross-site", "same-site"):
        foreign = web.get(f"/blobs/{listed[0]['file']}/x", headers={**headers, "Sec-Fetch-Site": site})
        assert foreign.status_code == 403
    gone = {**headers, "Authorization": "Bearer a.1.x"}  # what is said goes before the cookie
    assert web.get(f"/blobs/{listed[0]['file']}/x", headers=gone).status_code == 401


FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:{port}.evil.example", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("foreign", ELSEWHERE)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/publish"),
        ("POST", "/api/v1/logout"),
        ("POST", "/%61pi/v1/publish"),
        ("GET", "/api/v1/history"),
        ("POST", "/files"),
        ("GET", "/blobs/1/x"),
    ],
)
def test_a_page_of_another_site_is_refused(
    server: Server, web: httpx.Client, foreign: dict[str, str], method: str, path: str, alice: str
) -> None:
    headers = {name: value.format(port=server.port) for name, value in foreign.items()}
    headers |= {"Cookie": alice, "Content-Type": "application/json"}
    answer = web.request(method, path, headers=headers, content=b'{"content":"forged"}' * (method == "POST"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    said = web.get("/api/v1/history", headers={"Cookie": headers["Cookie"]}).json()["messages"]
    assert "forged" not in {message["content"] for message in said}


@pytest.mark.parametrize("foreign", ELSEWHERE)
def test_nor_may_it_open_a_websocket(server: Server, foreign: dict[str, str], alice: str) -> None:
    headers = {name: value.format(port=server.port) for name, value in foreign.items()}
    line = server.websocket(Cookie=alice, **headers)
    assert line.head.startswith("HTTP/1.1 403")


def test_nor_sign_somebody_in_as_somebody_else(web: httpx.Client) -> None:
    body = {"username": "alice", "password": "alice", "cookie": True}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = web.post("/api/v1/login", headers=headers, json=body)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_cannot_pose_as_json(web: httpx.Client, kind: str, alice: str) -> None:
    headers = {"Cookie": alice, "Content-Type": kind}
    answer = web.post("/api/v1/publish", headers=headers, content=b'{"content":"forged"}')
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported")
    assert web.post("/api/v1/logout", headers=headers).status_code == 415
    assert web.get("/api/v1/me", headers={"Cookie": headers["Cookie"]}).status_code == 200


def test_the_page_itself_may_be_linked_to_from_everywhere(web: httpx.Client, alice: str) -> None:
    headers = {"Cookie": alice, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    assert web.get("/version", headers=headers).status_code == 200
    assert "frame-ancestors 'none'" in web.get("/version").headers["content-security-policy"]


def test_over_tls_before_a_trusted_proxy_the_cookie_is_secure(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text('[web]\ntrusted_proxies = ["127.0.0.1"]\n[guests]\nallow = true\n')
    with serving("--config", str(file)) as server, httpx.Client() as web:
        url, host = f"http://127.0.0.1:{server.port}/api/v1/login", {"Host": "localhost"}
        plain = web.post(url, headers=host, json={"username": "bob", "cookie": True})
        https = {**host, "X-Forwarded-Proto": "https", "Origin": "https://localhost"}
        secure = web.post(url, headers=https, json={"username": "carol", "cookie": True})
    assert plain.headers["set-cookie"].startswith("hubbub_80=")
    assert secure.headers["set-cookie"].startswith("hubbub_443=")
    assert ["Secure" in answer.headers["set-cookie"] for answer in (plain, secure)] == [False, True]


def test_nobody_else_s_word_for_tls_is_believed(web: httpx.Client) -> None:
    answer = web.post(
        "/api/v1/login", headers={"X-Forwarded-Proto": "https"}, json={**HELLO, "username": "dora"}
    )
    assert answer.status_code == 200
    assert "Secure" not in answer.headers["set-cookie"]
