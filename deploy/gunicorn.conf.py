"""gunicorn as the image and the demo run it; the command line overrides."""

import os

bind = "0.0.0.0:8000"  # inside the container's network; the proxy is what faces people
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
worker_class = "gthread"
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 5000
max_requests_jitter = 500
# The heartbeat must not wait for a slow disk; gunicorn makes a file of its own there.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # nosec B108
accesslog = None  # the audit trail says who saw what; a second list of paths and addresses would only leak
control_socket_disable = True
forwarder_headers = ""  # by default a proxy may set SCRIPT_NAME and PATH_INFO; ours does not, so whoever does is not it
