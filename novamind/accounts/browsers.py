"""What a browser calls itself, in words a person knows their own by."""

from __future__ import annotations

#: Each also says the names below it, so the first that is found is meant.
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def in_words(user_agent: str) -> str:
    """``Firefox on Windows``; for one that nobody knows, its first word."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), user_agent.split("/")[0][:30])
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or "unknown"
