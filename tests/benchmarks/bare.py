"""What every figure of the receiver is compared with: the least a Flask route can do, under the receiver's gunicorn."""

from flask import Flask

__all__ = ["app"]

app = Flask(__name__)


@app.post("/webhook")
def webhook() -> dict[str, str]:
    """Answer."""
    return {}
