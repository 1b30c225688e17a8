"""What gunicorn loads: `receiver.wsgi:app`. A mistake in the settings is told in words and stops the server."""

import sys

from receiver.app import create_app
from receiver.errors import ConfigurationError

_APP_LOAD_ERROR = 4  # gunicorn's exit code for "do not start this again"

try:
    app = create_app()
except ConfigurationError as error:
    sys.stderr.write(f"receiver cannot start:\n{error}\n")
    sys.exit(_APP_LOAD_ERROR)
