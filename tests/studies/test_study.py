import inspect
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import distributed
import numpy as np
import pandas as pd
import pytest

from convbook import mnist
from convbook.backend import keras
from convbook.network import scheduled_cnn
from convbook.plans import PLANS, Plan
from convbook.recipes import HELD_OUT, RECIPES, Recipe
from convbook.schedules import constant
from studies import study
from studies.__main__ import main

pytestmark = pytest.mark.slow

TIMES = ["seconds", "cpu_seconds"]
RUNS = 4  # of the plan "trial"


def tiny_network() -> keras.Sequential:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.MaxPooling2D(4),
            layers.Conv2D(10, 7),
            layers.Flatten(),
            layers.Softmax(),
        ]
    )


# The command and its plan "trial", with a network that trains as soon as TensorFlow is there.
TRIAL_OF_TINY_NETWORKS = f"""
from convbook.backend import keras
from convbook.plans import PLANS
from convbook.recipes import Recipe
from studies.__main__ import main

{inspect.getsource(tiny_network)}
plan = PLANS["trial"]
tiny = {{name: Recipe(tiny_network, one.schedule, epochs=2, held_out=100) for name, one in plan.variants.items()}}
PLANS["trial"] = plan._replace(variants=tiny)
main()
"""
TRIAL = [sys.executable, "-c", TRIAL_OF_TINY_NETWORKS, "trial"]


def slow(epoch):
    return constant(epoch, initial=1e-4)


@pytest.fixture(autouse=True)
def threads_as_before(monkeypatch):
    """The command sets these for its workers; left behind, they would slow down every chapter that is run later."""
    for kind in ("INTRAOP", "INTEROP"):
        monkeypatch.setenv(f"TF_NUM_{kind}_THREADS", "1")


@pytest.fixture(scope="module")
def plan():
    variants = {
        "slow": Recipe(tiny_network, slow, epochs=2, held_out=100),
        "fast": Recipe(tiny_network, constant, epochs=2, held_out=100),
    }
    return Plan(variants, seeds=range(2), digits=256)


@pytest.fixture(scope="module")
def made(plan, tmp_path_factory):
    """The file of the plan's table, and the table."""
    file = tmp_path_factory.mktemp("made") / "table.csv"
    return file, study.study(plan, file, jobs=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def tested(plan):
    """One of the same runs, measured on the test set as well."""
    return study.run(plan._replace(test=True), "fast", 1)


def rows_of(made, name, seed):
    return made[1].query("variant == @name and seed == @seed").reset_index(drop=True)


def test_a_study_has_a_row_for_every_epoch_of_every_run(made):
    file, table = made
    assert len(table) == 2 * 2 * 2
    on_disk = pd.read_csv(file)
    assert on_disk[["variant", "seed", "epoch"]].drop_duplicates().shape[0] == 8
    rates = on_disk.groupby("variant")["learning_rate"].unique()
    assert rates["slow"].tolist() == [1e-4]
    assert rates["fast"].tolist() == [0.003]


def test_a_study_that_was_stopped_runs_only_what_is_missing(plan, tmp_path, monkeypatch):
    ran = []

    def run(plan, name, seed):
        if len(ran) == 3:
            raise KeyboardInterrupt
        ran.append((name, seed))
        table = pd.DataFrame({"variant": name, "seed": seed, "epoch": [1, 2], "val_accuracy": 0.5})
        return table, {f"{name}/{seed}/held_out": np.arange(10, dtype="uint8")}

    monkeypatch.setattr(study, "run", run)
    with pytest.raises(KeyboardInterrupt):
        study.study(plan, tmp_path / "table.csv", jobs=1)
    assert len(pd.read_csv(tmp_path / "table.csv")) == 2 * 3
    first = ran.copy()
    ran.clear()
    table = study.study(plan, tmp_path / "table.csv", jobs=1)
    assert len(ran) == 1
    assert ran[0] not in first
    assert len(table) == 2 * 4


def test_a_stop_in_the_middle_of_writing_leaves_the_table_as_it_was(plan, tmp_path, monkeypatch):
    rows = pd.DataFrame({"variant": "slow", "seed": 0, "epoch": [1, 2], "val_accuracy": 0.5})
    rows.to_csv(tmp_path / "table.csv", index=False)

    write = Path.write_bytes

    def write_half(path, content):
        write(path, content[: len(content) // 2])
        if path.name.startswith("table.csv"):
            raise KeyboardInterrupt

    monkeypatch.setattr(study, "run", lambda plan, name, seed: (rows.assign(variant=name, seed=seed), {}))
    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(KeyboardInterrupt):
        study.study(plan, tmp_path / "table.csv", jobs=1)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), rows)


def test_a_run_with_the_same_seed_gives_the_same_numbers(made, tested):
    again = tested[0].drop(columns=[*TIMES, "test_loss", "test_accuracy"])
    pd.testing.assert_frame_equal(again, rows_of(made, "fast", 1).drop(columns=TIMES), rtol=0)
    assert not again["loss"].equals(rows_of(made, "fast", 0)["loss"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_seed_means_what_it_means_to_keras(name):
    """Initial weights and the states of all random layers, those that move digits included."""
    ours = study.seeded(RECIPES[name].build(), 3)
    keras.utils.set_random_seed(3)
    for mine, other in zip(ours.variables, RECIPES[name].build().variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())


def test_other_threads_do_not_disturb_a_run(plan, made):
    """A Dask worker's own threads draw from Python's global random state, too, at any moment."""

    def network_while_others_draw():
        random.random()
        return tiny_network()

    together = plan._replace(variants={"fast": plan.variants["fast"]._replace(build=network_while_others_draw)})
    disturbed, _ = study.run(together, "fast", 0)
    pd.testing.assert_frame_equal(disturbed.drop(columns=TIMES), rows_of(made, "fast", 0).drop(columns=TIMES))


def test_the_predictions_give_the_accuracies_of_the_table(tested):
    table, predictions = tested
    digits = mnist.load()
    labels = {"held_out": mnist.split(digits, 100).validation_labels, "test": digits.test_labels}
    columns = {"held_out": "val_accuracy", "test": "test_accuracy"}
    assert predictions.keys() == {f"fast/1/{part}" for part in labels}
    for part, right in labels.items():
        read = predictions[f"fast/1/{part}"]
        assert (read.dtype, read.shape) == (np.uint8, right.shape)
        assert (read == right).mean() == pytest.approx(table[columns[part]].iloc[-1], abs=1e-6)


def test_predictions_grow_with_the_table_and_can_be_paired(made):
    file, table = made
    with np.load(file.with_suffix(".predictions.npz")) as saved:
        read = dict(saved)
    assert read.keys() == {f"{name}/{seed}/held_out" for name in ("slow", "fast") for seed in (0, 1)}
    labels = mnist.split(mnist.load(), 100).validation_labels
    for (name, seed), accuracy in table.query("epoch == 2").set_index(["variant", "seed"])["val_accuracy"].items():
        assert (read[f"{name}/{seed}/held_out"] == labels).mean() == pytest.approx(accuracy, abs=1e-6)


def test_a_run_that_watches_the_test_set_has_its_predictions_under_that_name():
    recipe = Recipe(tiny_network, constant, epochs=1)
    assert study.run(Plan({"replay": recipe}, range(1), digits=256), "replay", 0)[1].keys() == {"replay/0/test"}


def test_the_test_set_is_read_once_at_the_end_and_only_if_the_plan_says_so(made, tested):
    assert "test_accuracy" not in made[1]
    measured = tested[0]["test_accuracy"]
    assert measured.isna().tolist() == [True, False]
    assert 0 < measured.iloc[-1] < 1


def test_a_network_that_reads_at_shifts_is_measured_so_and_trained_as_before(plan, tested):
    """The tiny network pools by four, so a shift by a pixel matters to it."""
    once, shifted = tested[0], plan.variants["fast"]._replace(test_time_shift=1)
    nine = study.run(plan._replace(test=True, variants={"fast": shifted}), "fast", 1)[0]
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    pd.testing.assert_frame_equal(once[columns], nine[columns])
    assert "finished_val_loss" not in once
    assert nine["finished_val_loss"].isna().tolist() == [True, False]
    assert nine["finished_val_loss"].iloc[-1] != nine["val_loss"].iloc[-1]
    assert nine["test_loss"].iloc[-1] != once["test_loss"].iloc[-1]
    assert (nine["macs"] == 9 * once["macs"]).all()  # all readings count as work


def test_the_schedules_are_compared_on_the_same_held_out_digits():
    plan = PLANS["schedules"]
    assert {variant.build for variant in plan.variants.values()} == {scheduled_cnn}
    assert {variant.held_out for variant in plan.variants.values()} == {HELD_OUT}


def rows(name, seed):
    """What a run that takes no time returns."""
    return pd.DataFrame({"variant": name, "seed": seed, "epoch": [1, 2], "val_accuracy": 0.5, "device": "a CPU"})


def test_the_command_writes_a_table_and_its_record(plan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "run", lambda plan, name, seed: (rows(name, seed), {}))
    monkeypatch.setitem(PLANS, "schedules", plan._replace(seeds=range(1)))
    main(["schedules", "--out", str(tmp_path), "--jobs", "1"])
    record = json.loads((tmp_path / "schedules.json").read_text())
    assert (record["command"], record["runs"]) == ("python -m studies schedules", 2)
    assert "2/2" in capsys.readouterr().out
    main(["schedules", "--out", str(tmp_path)])
    assert capsys.readouterr().out.startswith("Nothing to do")


def test_the_record_of_a_run_on_several_threads_says_so(plan, tmp_path, monkeypatch):
    threads = []
    monkeypatch.setattr(study, "run", lambda plan, name, seed: (threads.append(set_threads()) or rows(name, seed), {}))
    monkeypatch.setitem(PLANS, "trial", plan)

    def set_threads():
        return [os.environ[f"TF_NUM_{kind}_THREADS"] for kind in ("INTRAOP", "INTEROP")]

    main(["trial", "--out", str(tmp_path), "--jobs", "1", "--threads", "2"])
    assert threads == [["2", "2"]] * RUNS
    command = json.loads((tmp_path / "trial.json").read_text())["command"]
    assert command == "python -m studies trial --jobs 1 --threads 2"


def test_a_row_tells_what_was_trained_and_on_what(made):
    row = made[1].iloc[0]
    assert row[["parameters", "macs"]].tolist() == [500, 490]  # ten kernels of 7 × 7 and their biases
    assert row["device"] == study.device_name()
    assert row["keras"] == keras.version()
    assert np.isnan(study._macs(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])))


@contextmanager
def started(command, **options):
    """A command in a process group of its own, whose end no part of it outlives."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        kill(process)


def kill(process):
    with suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(file, process):
    while not (file.exists() and file.stat().st_size):  # it is empty for a moment
        assert process.poll() is None, f"the command ended without {file}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """A study that was killed and started again: its folder, the table at the kill, and what the new start printed."""
    out = tmp_path_factory.mktemp("trial")
    command = [*TRIAL, "--out", out, "--jobs", "1"]
    with started(command, stdout=subprocess.DEVNULL) as process:
        wait_for(out / "trial.csv", process)
        kill(process)
    assert not (out / "trial.json").exists()
    before = pd.read_csv(out / "trial.csv")
    return out, before, subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_killed_study_goes_on_where_it_was(resumed):
    out, before, printed = resumed
    after = pd.read_csv(out / "trial.csv")
    assert len(after) == after["loss"].nunique() == RUNS * 2
    assert 0 < len(before) < len(after)
    missing = RUNS - len(before) // 2
    assert printed.count("validation accuracy") == missing
    assert f"{missing}/{missing}" in printed
    kept = after.merge(before[["variant", "seed"]].drop_duplicates()).sort_values(["variant", "seed", "epoch"])
    pd.testing.assert_frame_equal(kept, before)  # with the times of the first start: these runs were not done twice
    assert json.loads((out / "trial.json").read_text())["runs"] == RUNS


@pytest.fixture
def dask(tmp_path):
    """A Dask scheduler's address and its two workers, each a process."""
    command, log = [sys.executable, "-m", "dask"], (tmp_path / "dask.log").open("w")
    about = tmp_path / "scheduler.json"
    scheduler = [
        *command,
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        about,
    ]
    worker = [*command, "worker", "--scheduler-file", about, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    one_thread = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with (
        log,
        started(scheduler, stdout=log) as process,
        started(worker, stdout=log, env=one_thread) as first,
        started(worker, stdout=log, env=one_thread) as second,
    ):
        wait_for(about, process)
        yield json.loads(about.read_text())["address"], (first, second)


def test_a_study_on_a_cluster_survives_the_loss_of_a_worker(resumed, tmp_path, dask):
    """And its table is that of the killed study: neither trouble has changed a number."""
    address, (lost, kept) = dask
    table = tmp_path / "trial.csv"
    with started([*TRIAL, "--out", tmp_path, "--scheduler", address], stdout=subprocess.PIPE, text=True) as command:
        wait_for(table, command)
        kill(lost)
        assert 0 < len(pd.read_csv(table)) < RUNS * 2
        output, _ = command.communicate()
    assert command.returncode == 0, output
    assert kept.poll() is None
    with distributed.Client(address) as client:
        steps = client.run_on_scheduler(lambda dask_scheduler: [step[1:3] for step in dask_scheduler.transition_log])
    assert steps.count(("processing", "memory")) >= RUNS  # the workers did all the runs,
    assert ("processing", "released") in steps  # and what the lost one was at, the other did again
    assert output.count("validation accuracy") == RUNS
    expected = pd.read_csv(resumed[0] / "trial.csv")
    pd.testing.assert_frame_equal(pd.read_csv(table).drop(columns=TIMES), expected.drop(columns=TIMES))


def test_a_cluster_whose_workers_have_several_threads_is_refused(monkeypatch):
    client = SimpleNamespace(wait_for_workers=lambda count, timeout: None, nthreads=lambda: {"one": 1, "other": 2})
    monkeypatch.setattr(distributed, "Client", lambda address: nullcontext(client))
    with pytest.raises(ValueError, match="a single thread"), study.cluster("tcp://127.0.0.1:8786"):
        pass
