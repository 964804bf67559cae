"""By which kind of connection somebody is told who is named in a step that asks people."""

from __future__ import annotations


def channel_of(to: str) -> str:
    """`#channel` and `@name` by Slack, an address by e-mail, `webhook…` by a webhook."""
    if to.startswith("webhook"):
        return "webhook"
    return "email" if "@" in to and not to.startswith(("#", "@")) else "slack"
