"""The web client over HTTP: a build made by hand, and then the one that the server has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hubbub.server.web import assets
from hubbub.server.web.assets import CLIENT, PAGE_PATHS, Client, Form, codings
from server.http_apps import request, response, run, site
from serving import Server, serving

Answer = tuple[int, dict[str, str], bytes]
PAGE = b'<meta name="build" content="b1">'
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build: a page, a script in three codings, and a picture that no coding makes smaller."""
    (tmp_path / "assets").mkdir()
    files = {
        "build.txt": b"b1",
        "index.html": PAGE,
        "index.html.br": b"page, br",
        "sw.js": b"worker",
        "assets/a-1.js": b"script",
        "assets/a-1.js.br": b"script, br",
        "assets/a-1.js.gz": b"script, gzip",
        "assets/b-1.png": b"picture",
        "secret.key": b"of no kind that is served",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def ask(folder: Path, target: str, *headers: str, method: str = "GET") -> Answer:
    """One request of a server that has this build."""
    found: list[Answer] = []

    async def main() -> None:
        async with site(direct=Client.read(folder).apps()) as here:
            reader, writer = await here.connect()
            writer.write(request(target, *headers, method=method))
            found.append(await response(reader, bodiless=method == "HEAD"))
            writer.close()

    run(asyncio.new_event_loop, main)
    return found[0]


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_the_page_is_at_each_of_its_paths_and_asked_for_anew(folder: Path, path: str) -> None:
    status, headers, body = ask(folder, f"{path}?source=app")
    assert (status, body, headers["content-type"]) == (200, PAGE, "text/html; charset=utf-8")
    assert headers["cache-control"] == "no-cache"
    again = ask(folder, path, f"If-None-Match: W/{headers['etag']}")
    assert (again[0], again[2], again[1]["etag"]) == (304, b"", headers["etag"])
    assert ask(folder, path, 'If-None-Match: "other"')[0] == 200


def test_what_is_named_by_its_content_is_kept_for_ever(folder: Path) -> None:
    for path, kind in (
        ("/assets/a-1.js", "text/javascript; charset=utf-8"),
        ("/assets/b-1.png", "image/png"),
    ):
        _, headers, _ = ask(folder, path)
        assert (headers["cache-control"], headers["content-type"]) == (FOREVER, kind)
    assert ask(folder, "/sw.js")[1]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "body"),
    [
        ("gzip, deflate, br", b"script, br"),
        ("gzip", b"script, gzip"),
        ("br;q=0, gzip", b"script, gzip"),
        ("br;q=0.2, gzip;q=0.9", b"script, gzip"),
        ("BR;Q=0.5, identity;q=0.4", b"script, br"),
        ("*", b"script, br"),
        ("*;q=0", b"script"),
        ("identity, gzip;q=0.5", b"script"),
        ("deflate, zstd", b"script"),
        ("br;q=2", b"script"),
        ("", b"script"),
    ],
)
def test_a_peer_gets_the_coding_it_asks_for(folder: Path, accepted: str, body: bytes) -> None:
    _, headers, found = ask(folder, "/assets/a-1.js", f"Accept-Encoding: {accepted}")
    assert found == body
    assert headers.get("content-encoding", "") == body.decode().partition(", ")[2]
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-length"] == str(len(body))


def test_no_coding_is_claimed_where_there_is_none(folder: Path) -> None:
    _, headers, body = ask(folder, "/assets/b-1.png", "Accept-Encoding: br, gzip")
    assert body == b"picture"
    assert "content-encoding" not in headers
    assert "vary" not in headers


def test_codings_have_etags_of_their_own(folder: Path) -> None:
    tags = {
        ask(folder, "/assets/a-1.js", f"Accept-Encoding: {name}")[1]["etag"] for name in ("br", "gzip", "")
    }
    assert len(tags) == 3


def test_a_head_has_everything_but_the_body(folder: Path) -> None:
    status, headers, _ = ask(folder, "/assets/a-1.js", "Accept-Encoding: gzip", method="HEAD")
    assert (status, headers["content-length"], headers["content-encoding"]) == (200, "12", "gzip")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_done_to_it(folder: Path, method: str) -> None:
    status, headers, _ = ask(folder, "/", "Content-Length: 0", method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/assets/",
            "/assets",
            "/assets/none.js",
            "/assets/a-1.js/",
            "/assets/a-1.js.br",
            "/assets//a-1.js",
        ),
        *("/assets/../build.txt", "/assets/%2e%2e/build.txt", "/assets/..%2fbuild.txt", "//assets/a-1.js"),
        *(
            "/assets/../../policy.py",
            "/assets/%2e%2e%2f%2e%2e%2fpolicy.py",
            "/assets/a-1.js%00",
            "/assets/A-1.JS",
        ),
        *("//etc/passwd", "/dashboard/", "/admin/../build.txt", "/sw.js/..", "/assets/%61-1.js"),
    ],
)
def test_a_path_leads_to_what_was_built_or_nowhere(folder: Path, target: str) -> None:
    status, headers, body = ask(folder, target)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert b"not_found" in body
    status, headers, body = ask(folder, target, "Accept: text/html,*/*;q=0.8")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"There is nothing here" in body


@pytest.mark.parametrize("target", ["/build.txt", "/index.html", "/secret.key", "/index.html.br"])
def test_what_is_no_part_of_the_page_is_not_even_known(folder: Path, target: str) -> None:
    assert target.encode()[1:] not in Client.read(folder).apps()


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    for path in PAGE_PATHS:
        status, headers, body = ask(tmp_path, path)
        assert (status, headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert headers["cache-control"] == "no-store"
        assert b"python3 scripts/web.py" in body
    assert Client.read(tmp_path).build is None


def test_a_build_that_is_replaced_meanwhile_is_read_anew(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("builds")
    newer = elsewhere / "newer"
    newer.mkdir()
    (newer / "build.txt").write_text("b2")
    (newer / "index.html").write_text("page of b2")
    read = assets._read_all

    def read_and_replace(where: Path) -> dict[bytes, dict[str, Form]]:
        forms = read(where)
        if newer.exists():
            folder.rename(elsewhere / "older")
            newer.rename(folder)
        return forms

    monkeypatch.setattr(assets, "_read_all", read_and_replace)
    found = Client.read(folder)
    assert (found.build, found.page) == ("b2", b"page of b2")


def test_half_of_a_build_is_none(folder: Path) -> None:
    (folder / "index.html").unlink()
    assert Client.read(folder).build is None


@pytest.mark.parametrize(
    ("header", "found"),
    [(b"br, gzip", ("br", "gzip")), (b"gzip;q=1, br;q=0.5", ("gzip", "br")), (b"br;q=x", ()), (b";;,,", ())],
)
def test_codings_come_best_first(header: bytes, found: tuple[str, ...]) -> None:
    assert codings(header) == found


# -- the build of this checkout


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def web(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client


def test_page_and_server_tell_the_same_build(web: httpx.Client) -> None:
    [told] = re.findall(r'<meta name="build" content="([0-9a-f]{16})" />', web.get("/").text)
    assert web.get("/version").json()["client"] == told
    assert told == (CLIENT / "build.txt").read_text()


def test_all_that_the_page_names_is_there_in_two_codings(web: httpx.Client) -> None:
    named = re.findall(r'(?:src|href)="(/[^"]+)"', web.get("/").text)
    assert len(named) >= 4
    for path in named:
        answer = web.get(path, headers={"Accept-Encoding": "gzip"})  # httpx undoes it
        assert answer.status_code == 200, path
        assert answer.content == web.get(path, headers={"Accept-Encoding": "identity"}).content
    scripts = [path for path in named if path.endswith(".js")]
    for coding in ("br", "gzip"):
        answer = web.head(scripts[0], headers={"Accept-Encoding": coding})
        assert answer.headers["content-encoding"] == coding


def test_the_page_has_nothing_inline(web: httpx.Client) -> None:
    page = web.get("/").text
    assert "<style" not in page
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    assert page.count("<script") == page.count('<script type="module" crossorigin src="/assets/')


@pytest.mark.parametrize("path", ["/", "/sw.js", "/nothing", "/assets/nothing", "/health"])
def test_everything_has_the_policy(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"):
        assert part in policy.split("; ")
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert "*" not in policy
    assert "camera=()" in headers["permissions-policy"]
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["no-referrer"]


def test_a_page_for_people_where_there_is_nothing(web: httpx.Client) -> None:
    answer = web.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert web.get("/nothing").json()["code"] == "not_found"
    api = web.get("/api/v1/nothing", headers={"Accept": "text/html"})
    assert api.headers["content-type"] == "application/json"
