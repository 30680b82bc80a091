"""``python -m studies schedules`` runs the study ``schedules``, or continues it after an interruption."""

import argparse
import datetime
import json
import os
import platform
import sys
from contextlib import nullcontext
from pathlib import Path

from convbook import mnist
from convbook.atomic import write_atomically
from convbook.backend import versions
from convbook.plans import PLANS
from studies.study import cluster, missing, read, study


def main(arguments: list[str] | None = None) -> None:
    """Run a study, or what is missing of it, and write its table with a record of how it was made."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=main.__doc__)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument(
        "--out", type=Path, default=Path("results"), help="folder for the table and the record; default: %(default)s"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--jobs", type=int, default=-1, help="number of parallel runs; default: one per core")
    place.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler that distributes the runs")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads per run; for timing a single run, with --jobs 1"
    )
    chosen = parser.parse_args(arguments)
    # Parallel runs of one thread are faster than one run at a time on all cores. TensorFlow reads these at start.
    os.environ |= {f"TF_NUM_{kind}_THREADS": str(chosen.threads) for kind in ("INTRAOP", "INTEROP")}
    plan = PLANS[chosen.plan]
    table_file, record_file = (chosen.out / f"{chosen.plan}.{kind}" for kind in ("csv", "json"))
    if record_file.exists() and not missing(plan, read(table_file)):
        print(f"Nothing to do: {table_file} has every run of the plan.")
        return
    try:
        with cluster(chosen.scheduler) if chosen.scheduler else nullcontext():
            table = study(plan, table_file, chosen.jobs)
    except (mnist.DataError, OSError) as error:
        sys.exit(str(error))
    epochs = int(table["epoch"].max())
    record = {
        "command": f"python -m studies {chosen.plan}"
        + (f" --jobs {chosen.jobs} --threads {chosen.threads}" if chosen.threads > 1 else ""),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "runs": len(table) // epochs,
        "seeds": [*plan.seeds],
        "epochs": epochs,
        "training_digits": plan.digits,
        "validation_digits": max(recipe.held_out for recipe in plan.variants.values()),
        "device": " and ".join(table["device"].dropna().unique()),  # of the workers, not of this machine
        "versions": {"python": platform.python_version(), **versions()},
    }
    write_atomically(record_file, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
