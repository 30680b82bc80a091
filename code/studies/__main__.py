"""``python -m studies schedules`` runs the study of that name, and goes on with it where it was stopped."""

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
    """Run a study and write its table with the record of how it was made."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=main.__doc__)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the table and the record")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--jobs", type=int, default=-1, help="runs at the same time; by default one for each core")
    place.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler, whose workers do the runs")
    parser.add_argument("--threads", type=int, default=1, help="of every run; more, with --jobs 1, to time a lone run")
    chosen = parser.parse_args(arguments)
    # Two runs of one thread each beat one after the other on both cores. TensorFlow reads these when it starts.
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
        "device": " and ".join(table["device"].dropna().unique()),  # the workers' of a cluster, not this machine's
        "versions": {"python": platform.python_version(), **versions()},
    }
    write_atomically(record_file, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
