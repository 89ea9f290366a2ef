"""What the report's page makes of a text from outside."""

from markupsafe import Markup

from glyphite.host.report.page import _shown


def test_what_a_browser_would_obey_is_an_escape_and_the_rest_stays() -> None:
    """Lines of commands stay, and the space that keeps a number and its unit together."""
    assert _shown("a\x1b[2J\u202eb\nc 99.5\N{NO-BREAK SPACE}%") == (
        "a\\x1b[2J\\u202eb\nc 99.5\N{NO-BREAK SPACE}%"
    )
    assert _shown("100.00 % of") == "100.00\N{NO-BREAK SPACE}% of"
    assert _shown("caf\udce9") == "caf\\xe9"
    assert _shown("A" * 100_000) == "A" * 100_000, "a picture is a long text"


def test_markup_and_numbers_are_left_as_they_are() -> None:
    assert _shown(Markup("<b>\u202e</b>")) == Markup("<b>\u202e</b>")
    assert _shown(7) == 7
