"""The WSGI entry point that gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novamind.settings")
application = get_wsgi_application()

from novamind.audit.recording import watch_process  # noqa: E402  (needs the apps)

watch_process()

# What is loaded by now stays: a collector that need not walk it takes a quarter off a search among 10,000 patients.
gc.collect()
gc.freeze()
