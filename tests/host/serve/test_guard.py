"""Which names and origins are answered, and how often a browser is heard."""

import pytest

from glyphite.host.serve.guard import Rate, known_hosts, refusal


@pytest.mark.parametrize(
    ("listening", "host", "known"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "::1", True),
        ("127.0.0.1", "192.168.0.7", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("0.0.0.0", "192.168.0.7", True),
        ("0.0.0.0", "evil.example", False),
        ("board.local", "board.local", True),
        ("board.local", "evil.example", False),
    ],
)
def test_names_of_strangers_are_not_known(listening: str, host: str, known: bool) -> None:
    assert known_hosts(listening)(host) == known


@pytest.mark.parametrize(
    ("host", "origin", "refused"),
    [
        ("127.0.0.1:8028", "http://127.0.0.1:8028", False),
        ("localhost:8028", "http://localhost:8028", False),
        ("[::1]:8028", "http://[::1]:8028", False),
        ("127.0.0.1:8028", "http://127.0.0.1:8029", True),
        ("127.0.0.1:8028", "https://127.0.0.1:8028", True),
        ("127.0.0.1:8028", "http://localhost:8028", True),
        ("127.0.0.1:8028", "http://evil.example", True),
        ("127.0.0.1:8028", "null", True),
        ("127.0.0.1:8028", "", True),
        ("127.0.0.1:8028", None, True),
        ("evil.example:8028", "http://evil.example:8028", True),
        ("[127.0.0.1:8028", "http://127.0.0.1:8028", True),
        (None, "http://127.0.0.1:8028", True),
    ],
)
def test_only_the_servers_own_page_is_heard(
    host: str | None, origin: str | None, refused: bool
) -> None:
    why = refusal(host, origin, known_hosts("127.0.0.1"), needs_origin=True)
    assert bool(why) == refused


def test_the_page_itself_is_fetched_without_an_origin() -> None:
    assert not refusal("127.0.0.1:8028", None, known_hosts("127.0.0.1"), needs_origin=False)


def test_who_sends_more_than_its_rate_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    rate = Rate(10.0, 5)
    assert [rate.delay() for _ in range(5)] == [0.0] * 5
    assert rate.delay() == pytest.approx(0.1)
    now[0] += 0.1  # it has waited
    assert rate.delay() == pytest.approx(0.1)
    now[0] += 60
    assert [rate.delay() for _ in range(5)] == [0.0] * 5
    assert rate.delay() > 0
