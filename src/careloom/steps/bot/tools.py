"""What a message can be sent with, and the kind of connection that each tool goes through."""

from __future__ import annotations

TOOLS = {"Slack.send": "slack", "Email.send": "email", "Webhook.send": "webhook"}
