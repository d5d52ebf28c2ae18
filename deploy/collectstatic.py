"""Collect static files at build time, hashed and compressed as production serves them, without production's secrets."""

import os
import sys

sys.path.insert(0, os.getcwd())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novamind.settings")

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    settings.STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    django.setup()
    call_command("collectstatic", interactive=False, verbosity=1)
