"""The WSGI entry point that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novamind.settings")
application = get_wsgi_application()

from novamind.audit.recording import watch_process  # noqa: E402  (needs the apps)

watch_process()
