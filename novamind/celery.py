"""The Celery application: Redis where there is one, else a folder on this machine."""

import os
import ssl
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "novamind.settings")


def configuration(settings: Any) -> dict[str, Any]:
    """Celery's settings; each of them survived a fault that the default did not (``docs/jobs.md``)."""
    limit_s = settings.JOB_TIME_LIMIT_S
    # Longer than any job may take twice over, or Redis hands a running job out again.
    visibility_s = 2 * limit_s + 60
    common = {
        "imports": ["novamind.jobs.tasks"],
        "task_queues": [Queue(name, routing_key=name) for name in ("notify", "default", "ml", "batch")],
        "task_default_queue": "default",
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_time_limit": limit_s,
        "task_soft_time_limit": max(limit_s - 30, limit_s / 2),
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_publish_retry": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_pool": "prefork",
        "worker_prefetch_multiplier": 1,
        # By default Celery closes the database's connection before and after each task, and opening one costs more than
        # a task's statements. The task keeps to CONN_MAX_AGE and CONN_HEALTH_CHECKS itself.
        "CELERY_DB_REUSE_MAX": float("inf"),
        "worker_soft_shutdown_timeout": 20,
        "worker_max_tasks_per_child": 200,
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "broker_connection_retry_on_startup": True,
        "beat_scheduler": "novamind.jobs.beat:TickScheduler",
        "beat_schedule": {"tick": {"task": "tick", "schedule": settings.TICK_S}},
        "beat_max_loop_interval": settings.TICK_S,
        "visibility_timeout": visibility_s,
        "result_backend_transport_options": {"visibility_timeout": visibility_s},
        "timezone": "UTC",
    }
    return common | (_redis(settings.REDIS_URL, visibility_s) if settings.REDIS_URL else _folder(settings.BROKER_DIR))


def _redis(url: str, visibility_s: int) -> dict[str, Any]:
    options = {
        "visibility_timeout": visibility_s,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "queue_order_strategy": "priority",  # as listed: what nobody waits for is taken when nothing else waits
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 25,
        # A send is tried once: by default it holds up the request for six seconds. Workers have their own retries.
        "max_retries": 0,
    }
    encrypted = {"broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED}} if url.startswith("rediss://") else {}
    return {"broker_url": url, "broker_transport_options": options} | encrypted


def _folder(folder: Any) -> dict[str, Any]:
    options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder),
        "polling_interval": 0.05,
    }
    transport = "novamind.jobs.transport.Transport"
    return {"broker_url": "localhost", "broker_transport": transport, "broker_transport_options": options}


def _from_django() -> dict[str, Any]:
    from django.conf import settings

    return configuration(settings)


app = Celery("novamind")
app.add_defaults(_from_django)


@worker_init.connect  # before the children are forked
@beat_init.connect
def watch(**kwargs: Any) -> None:
    """Workers and scheduler touch patients' records on record only."""
    from novamind.audit.recording import watch_process

    watch_process()
