"""Answers for the chat endpoint on this machine; on the platform a real model does.

Put a model of your own here, or name an OpenAI-compatible service in `brickyard.toml`.
"""


def predict(body: dict) -> str:
    """The answer to a conversation: the body is what the endpoint was sent."""
    question = body["messages"][-1]["content"]
    return f"You asked: {question}\n\nThis is `seed/chat.py`: no model has been chosen for this machine yet."
