# ruff: noqa: INP001 a folder of DAGs is not a package
"""A load that says when it has ended. Put its tasks in the place of the first one."""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "warehouse_load",
    schedule="0 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
):
    load = BashOperator(task_id="load", bash_command="echo loading")
    signal = BashOperator(
        task_id="signal",
        # No token: it only writes beside the state. The DAG reconcile_omni makes the calls.
        bash_command="exec reconcile signal load --file /opt/reconcile/reconcile.toml",
        append_env=True,
        retries=3,  # the state's store may be out of reach; saying it twice is saying it once
        retry_delay=timedelta(minutes=1),
    )
    load >> signal
