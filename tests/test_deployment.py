"""docker-compose.yml, Dockerfile and deploy/ agree with each other and with ``.env.example``.

No container is started here; what can be checked without one is.
"""

import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE["services"]
SETTINGS = "".join(
    (ROOT / "novamind" / name).read_text(encoding="utf-8") for name in ("settings.py", "settings_messages.py")
)
ONE_SHOT = {"certificates", "bucket", "migrate"}


def named(text: str) -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text, flags=re.MULTILINE))


def test_the_services_of_a_clinic_are_there():
    expected = {"postgres", "redis", "cache", "objects", "proxy", "web", "worker", "worker-ml", "worker-gpu", "beat"}
    assert set(SERVICES) == expected | ONE_SHOT


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_a_health_check_or_ends(name):
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_waits_for_exists_and_can_be_waited_for(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        ends = other in ONE_SHOT
        assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name):
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert image == "novamind" or re.search(r"\d", tag)
    assert tag != "latest"


def test_variables_of_compose_are_named_in_the_example():
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE_TEXT))
    assert used - named((ROOT / ".env.example").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("name", ["web", "worker", "worker-ml", "worker-gpu", "beat", "migrate"])
def test_every_setting_reaches_the_application_and_nothing_else_does(name):
    read = set(re.findall(r"""(?:\benv(?:\.\w+)?|\bsecret)\(\s*["']([A-Z][A-Z0-9_]*)["']""", SETTINGS))
    of_the_image = {"DATA_DIR"}
    never_here = {"DEMO"}  # the synthetic clinic's banner
    owners = set() if name == "migrate" else {"MIGRATE_DATABASE_URL"}
    of_deploy = {"WEB_CONCURRENCY", "WORKER_CONCURRENCY"}
    assert set(SERVICES[name]["environment"]) - of_deploy == read - of_the_image - never_here - owners


def test_the_object_store_has_keys_of_its_own_and_what_asks_aws_has_not_got_them():
    """KMS, Bedrock and SES take the AWS ones by boto3's own search; the store's would not open anything there."""
    store, web = SERVICES["objects"]["environment"], SERVICES["web"]["environment"]
    for of_the_store, name in (("MINIO_ROOT_USER", "ACCESS_KEY_ID"), ("MINIO_ROOT_PASSWORD", "SECRET_ACCESS_KEY")):
        assert store[of_the_store] == f"${{S3_{name}}}"
        assert web[f"S3_{name}"].startswith(f"${{S3_{name}:?")
        assert web[f"AWS_{name}"] is None


STORE = """
from django.conf import settings
options = settings.STORAGES["default"]["OPTIONS"]
print(options["access_key"], options["secret_key"], options["object_parameters"].get("SSEKMSKeyId"))
"""
AWS = {"AWS_ACCESS_KEY_ID": "aws-id", "AWS_SECRET_ACCESS_KEY": "aws-secret", "KMS_KEY_ID": "master"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, "aws-id aws-secret None"),
        ({"S3_ACCESS_KEY_ID": "own", "S3_SECRET_ACCESS_KEY": "too", "S3_KMS_KEY_ID": "files"}, "own too files"),
    ],
)
def test_the_bucket_takes_its_own_credentials_and_key(given, taken, tmp_path):
    env = os.environ | AWS | given | {"DATA_DIR": str(tmp_path), "S3_BUCKET": "files"}
    env["DJANGO_SETTINGS_MODULE"] = "novamind.settings"
    shown = subprocess.run([sys.executable, "-c", STORE], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == taken


def test_what_is_set_in_the_file_of_settings_is_passed_on_as_it_stands():
    """An empty value in compose means: as in .env; where the name is missing there, it is not set at all."""
    passed = {name for name, value in SERVICES["web"]["environment"].items() if value is None}
    assert passed >= {"JOB_LEASE_S", "JOB_RENEW_S", "JOB_TIME_LIMIT_S", "TICK_S", "RATE_LIMITING_ENABLED", "LOG_LEVEL"}
    assert passed <= named((ROOT / ".env.example").read_text(encoding="utf-8"))


def test_the_worker_is_started_in_the_same_way_everywhere():
    """Image, demo and documentation; the image and the demo add names, queues and a number of processes."""
    ways = {
        path: " ".join(re.findall(r"--without-\w+", (ROOT / path).read_text(encoding="utf-8")))
        for path in ("deploy/entrypoint.sh", "docs/jobs.md", "novamind/management/commands/demo.py")
    }
    assert set(ways.values()) == {"--without-gossip --without-mingle --without-heartbeat"}, ways


def test_only_the_proxy_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_the_proxy_reaches_the_web_server_and_nothing_behind_it():
    assert SERVICES["proxy"]["networks"] == ["edge"]
    assert [name for name, service in SERVICES.items() if "edge" in service.get("networks", [])] == ["web", "proxy"]


def test_the_proxy_speaks_tls_1_2_at_least_and_never_plain_http_to_people():
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    site = caddyfile[caddyfile.index("{$SITE_ADDRESS") :]
    assert re.findall(r"tls \{\s*protocols (.+)", site) == ["tls1.2 tls1.3"]
    assert "auto_https off" not in caddyfile
    assert re.findall(r"^http://(\S+)", caddyfile, flags=re.MULTILINE) == [":2080"]  # the health check of the container
    assert "2080" not in " ".join(SERVICES["proxy"]["ports"])


def test_inside_the_network_database_broker_and_cache_speak_tls_1_3_alone():
    assert "-cssl_min_protocol_version=TLSv1.3" in SERVICES["postgres"]["command"]
    assert "-cssl=on" in SERVICES["postgres"]["command"]
    for name in ("redis", "cache"):
        command = " ".join(SERVICES[name]["command"].split())
        assert "--port 0 --tls-port 6379 --tls-protocols TLSv1.3 " in command
    assert SERVICES["web"]["environment"]["DATABASE_URL"].count("sslmode=verify-full") == 1
    assert {SERVICES["web"]["environment"][name][:9] for name in ("REDIS_URL", "CACHE_URL")} == {"rediss://"}


def test_the_broker_keeps_its_messages_and_the_cache_may_forget():
    assert "--appendonly yes --maxmemory-policy noeviction" in " ".join(SERVICES["redis"]["command"].split())
    assert "allkeys-lru" in SERVICES["cache"]["command"]


def test_files_that_compose_and_the_image_name_exist():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for path in set(re.findall(r"(?:deploy|requirements)/[\w.-]+\.\w+", dockerfile + COMPOSE_TEXT)):
        assert (ROOT / path).is_file(), path


def test_targets_that_compose_builds_exist():
    targets = set(re.findall(r"^FROM .* AS ([\w-]+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} <= targets


@pytest.mark.parametrize("script", ["deploy/entrypoint.sh", "deploy/postgres-init.sh", ".ci/run"])
def test_shell_scripts_can_be_read_by_the_shell_and_started(script):
    path = ROOT / script
    shell = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")
    subprocess.run([shell, "-n", path], check=True)
    assert path.stat().st_mode & 0o111


def test_certificates_for_the_inside_are_made_once_and_are_trusted(tmp_path):
    make = [sys.executable, str(ROOT / "deploy" / "certificates.py"), str(tmp_path)]
    subprocess.run(make, check=True, capture_output=True)
    before = (tmp_path / "ca.crt").read_bytes()
    subprocess.run(make, check=True, capture_output=True)
    assert (tmp_path / "ca.crt").read_bytes() == before
    for server in ("postgres", "redis", "cache"):
        assert shakes_hands(tmp_path, server, name=server)
        with pytest.raises(ssl.SSLCertVerificationError):
            shakes_hands(tmp_path, server, name="another")


def shakes_hands(folder: Path, server: str, *, name: str) -> bool:
    """A TLS handshake in memory: the server's files against a client that trusts ca.crt alone."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(folder / server / "server.crt", folder / server / "server.key")
    theirs = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        theirs.wrap_bio(to_client, to_server, server_hostname=name),
        ours.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
    return not sides
