# ruff: noqa: INP001 a folder of DAGs is not a package
"""Refresh Omni's models and reset its caches, as reconcile.toml declares."""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "reconcile_omni",
    schedule="*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # reconcile knows what was missed, and makes it up once
    max_active_runs=1,
):
    BashOperator(
        task_id="apply",
        # exec: a task that is cut off hands its signal to the tool, which then saves what it knows
        bash_command="exec reconcile apply --yes --file /opt/reconcile/reconcile.toml",
        env={
            "OMNI_BASE_URL": "{{ conn.omni.host }}",
            "OMNI_API_KEY": "{{ conn.omni.password }}",
        },
        append_env=True,
        retries=0,  # the next run is the retry; a repeat at once would be safe, and of no use
        skip_on_exit_code=5,  # another run holds the lock
        execution_timeout=timedelta(minutes=45),
    )
