"""Names of browsers."""

import pytest

from novamind.accounts.browsers import in_words

CHROME = "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
AGENTS = {
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 {CHROME}": "Chrome on Linux",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROME} Edg/131": "Edge on Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0": "Firefox on Android",
    "curl/8.5.0": "curl",
    "": "unknown",
}


@pytest.mark.parametrize(("agent", "words"), AGENTS.items())
def test_a_browser_is_named_as_its_owner_would(agent, words):
    assert in_words(agent) == words
