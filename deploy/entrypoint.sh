#!/bin/sh
# What a container of the image does: web, worker [queues], beat, migrate, or any manage.py command.
set -eu

case "${1:-web}" in
  web)
    exec python -m gunicorn novamind.wsgi:application --config deploy/gunicorn.conf.py
    ;;
  worker)
    queues="${2:-notify,default,ml,batch}"
    # Prefork everywhere: a job that takes its process down takes no other with it.
    exec python -m celery -A novamind worker --pool prefork --queues "$queues" \
      --concurrency "${WORKER_CONCURRENCY:-2}" --hostname "$(echo "$queues" | tr , -)@%h" --loglevel INFO \
      --without-gossip --without-mingle --without-heartbeat
    ;;
  beat)
    exec python -m celery -A novamind beat --pidfile "" --loglevel INFO
    ;;
  migrate)
    exec python manage.py migrate_locked
    ;;
  *)
    exec python manage.py "$@"
    ;;
esac
