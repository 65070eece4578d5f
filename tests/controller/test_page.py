"""The page over HTTP: what it shows, to whom, and what it costs the controller."""

import stat
import time
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.controller.report import next_days
from reconcile.controller.web import is_local_name
from reconcile.model.desired import Every
from reconcile.planning.plan import plan
from tests.cli.test_native_schedules import HEAD, NIGHTLY
from tests.controller.test_process import FILE, Service, serving
from tests.controller.watching import Stream, ask, samples
from tests.planning.making import NOON, desired, hours, of, refresh
from tests.render.schemas import validating
from tests.stage import SALES, Stage, Staging

ANYWHERE = ("--listen", "127.0.0.1:0")
QUIET = f'[models.sales]\nid = "{SALES}"\nrefresh.every = "6h"\n'
TOKEN = "0123456789abcdef0123"  # noqa: S105 -- it opens the page of a test
LOCAL_NAMES = ("127.0.0.1:80", "localhost", "LOCALHOST:8470", "[::1]:80", "[::1]", "127.9.9.9")
FOREIGN_NAMES = ("", "evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "localhost.evil:1")


def ready(service: Service) -> Service:
    service.until("verdict=done")
    return service


def with_token(stage: Stage) -> tuple[str, ...]:
    stage.write(TOKEN + "\n", "page.token")
    return (*ANYWHERE, "--token-file", "page.token")


def test_the_page_shows_every_item_and_asks_nothing_of_others(staged: Staging) -> None:
    stage = staged(FILE)
    with serving(stage, *ANYWHERE) as service:
        got = ask(ready(service).url, "/")
    assert got.status == 200
    assert "models.<wbr>sales.<wbr>refresh" in got.text
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert "http://" not in got.text.replace(stage.base_url, "")
    assert "https://" not in got.text


def test_a_schedule_of_omni_s_own_stands_on_the_page_beside_the_items(staged: Staging) -> None:
    stage = staged(QUIET + HEAD + NIGHTLY)
    with serving(stage, *ANYWHERE) as service:
        page = ask(ready(service).url, "/").text
        assert ask(service.url, "/readyz").status == 200
    assert "connections.<wbr>warehouse.<wbr>schedules.<wbr>nightly" in page


def test_the_probes_and_the_documents_tell_the_same(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, *ANYWHERE) as service:
        url = ready(service).url
        assert [ask(url, path).status for path in ("/healthz", "/readyz")] == [200, 200]
        document, figures = ask(url, "/state.json").json(), samples(ask(url, "/metrics").text)
        validating("run-status")(document)
        assert document["items"][0]["status"] == "covered"
        assert document["last_cycle"]["verdict"] == "done"
        assert figures["reconcile_controller_ready"] == 1
        assert figures['reconcile_controller_cycles_total{verdict="done"}'] == 1
        assert figures['reconcile_item_lateness_seconds{address="models.sales.refresh"}'] == 0
        stage.write("[models.sales\n")
        service.until("files-kept")
        assert ask(url, "/readyz").status == 503
        assert ask(url, "/healthz").status == 200
        assert "The files are invalid" in ask(url, "/").text
        assert samples(ask(url, "/metrics").text)["reconcile_controller_files_valid"] == 0


def test_what_changes_is_sent_to_whoever_watches(staged: Staging) -> None:
    stage = staged(FILE)
    with serving(stage, *ANYWHERE) as service:
        stream = Stream(ready(service).url)
        first = stream.parts()
        assert {"tab", "icon", "head", "items-table", "outcomes"} <= set(first)
        later = stream.parts()
        assert later
        assert all(first.get(part) != html for part, html in later.items())
        stream.close()


def test_watchers_are_few_and_leave_nothing_behind(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, *ANYWHERE) as service:
        url = ready(service).url
        streams = [Stream(url) for _ in range(16)]
        for stream in streams:
            stream.parts()
        assert ask(url, "/events").status == 503
        for stream in streams:
            stream.close()
        for _ in range(100):
            late = Stream(url)
            late.close()
            if late.status == 200:
                break
            time.sleep(0.1)
        assert late.status == 200
        assert service.stop() == 0


@pytest.mark.parametrize("path", ["/", "/events", "/state.json", "/metrics"])
def test_another_name_for_this_machine_is_refused(staged: Staging, path: str) -> None:
    stage = staged(QUIET)
    with serving(stage, *ANYWHERE) as service:
        assert ask(service.url, path, Host="evil.example").status == 421
        assert ask(service.url, "/healthz", Host="10.1.2.3").status == 200


def test_only_names_of_this_machine_are_its_names() -> None:
    assert all(map(is_local_name, LOCAL_NAMES))
    assert not any(map(is_local_name, FOREIGN_NAMES))


def test_a_page_leaves_out_days_that_are_too_busy_to_follow() -> None:
    busy = [
        refresh(name, Every(timedelta(seconds=1)), connection="w", coalesce_within=hours(1))
        for name in "abc"
    ]
    files = desired(*busy)
    assert next_days(files, of({}), plan(files, of({}), NOON)) is None


def test_nothing_can_be_changed_through_the_page(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, *ANYWHERE) as service:
        for path in ("/", "/events", "/state.json", "/metrics", "/healthz", "/readyz"):
            for method in ("POST", "PUT", "DELETE"):
                assert ask(service.url, path, method=method).status == 405


def test_with_a_token_nothing_is_told_without_it(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, *with_token(stage)) as service:
        url = service.url
        for path in ("/", "/events", "/state.json", "/metrics"):
            assert ask(url, path).status == 401
            assert ask(url, path, Authorization="Bearer wrong").status == 401
        assert "models" not in ask(url, "/").text
        assert ask(url, "/metrics", Authorization=f"Bearer {TOKEN}").status == 200
        assert ask(url, "/healthz").status == 200


def test_a_browser_gives_the_token_once_and_keeps_a_cookie(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, *with_token(stage)) as service:
        url = service.url
        wrong = ask(url, "/login", method="POST", body="token=no")
        assert (wrong.status, "set-cookie" in wrong.headers) == (401, False)
        right = ask(url, "/login", method="POST", body=f"token={TOKEN}")
        cookie = right.headers["set-cookie"]
        assert (right.status, right.headers["location"]) == (303, "/")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert ask(url, "/", Cookie=cookie.split(";")[0]).status == 200


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--listen", "0.0.0.0:0"), "listen-without-token"),
        (("--listen", "nowhere:80"), "bad-listen"),
        (("--listen", "127.0.0.1:99999"), "bad-listen"),
        (("--listen", "0", "--token-file", "nowhere"), "bad-token-file"),
        (("--heartbeat-url", "http://hc.example/abc"), "bad-heartbeat-url"),
        (("--heartbeat-url", "https://["), "bad-heartbeat-url"),
    ],
)
def test_what_would_be_unsafe_is_refused_at_the_start(
    staged: Staging, arguments: tuple[str, ...], code: str
) -> None:
    ended = staged(QUIET).run("run", "--once", *arguments)
    assert ended.code == 1
    assert f"[{code}]" in ended.err


def test_a_socket_in_the_file_system_is_its_owner_s(staged: Staging) -> None:
    stage = staged(QUIET)
    with serving(stage, "--listen", "unix:page.sock") as service:
        service.until("serving")
        mode = Path(stage.folder / "page.sock").stat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
