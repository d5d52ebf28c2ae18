"""Is the web server of this container ready? Exit status 0 says yes. (Workers and scheduler: ``manage.py healthy``.)"""

import http.client
import os
import sys


def main() -> bool:
    """Ask /health/ready: database, keys and audit answer."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
    # The name the site is asked for: Django refuses others, 127.0.0.1 among them.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].lstrip(".")
    connection.request("GET", "/health/ready", headers={"Host": host})
    return connection.getresponse().status == 200


if __name__ == "__main__":
    try:
        sys.exit(not main())
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"web: {error}")
