import pandas as pd
import pytest

from convbook import study
from convbook.backend import keras
from convbook.schedule import constant


def tiny_network() -> keras.Sequential:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.MaxPooling2D(4), layers.Flatten(), layers.Dense(10, activation="softmax")]
    )


@pytest.fixture
def plan():
    variants = {
        "slow": study.Variant(tiny_network, lambda epoch: constant(epoch, 1e-4)),
        "fast": study.Variant(tiny_network, constant),
    }
    return study.Plan(variants, seeds=range(2), epochs=2, digits=256, validation=100)


def test_a_study_has_a_row_for_every_epoch_of_every_run(plan, tmp_path):
    table = study.study(plan, tmp_path / "table.csv", jobs=1)
    assert len(table) == 2 * 2 * 2
    on_disk = pd.read_csv(tmp_path / "table.csv")
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
        return pd.DataFrame({"variant": name, "seed": seed, "epoch": [1, 2], "val_accuracy": 0.5})

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


def test_a_run_with_the_same_seed_gives_the_same_numbers(plan):
    first, again, other = (study.run(plan, "fast", seed).drop(columns=["seconds", "seed"]) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_the_test_set_is_read_once_at_the_end_and_only_if_the_plan_says_so(plan):
    assert "test_accuracy" not in study.run(plan, "fast", 0)
    measured = study.run(plan._replace(test=True), "fast", 0)["test_accuracy"]
    assert measured.isna().tolist() == [True, False]
    assert 0 < measured.iloc[-1] < 1


def test_the_schedules_are_compared_on_the_same_held_out_digits():
    plan = study.PLANS["schedules"]
    assert {variant.build for variant in plan.variants.values()} == {study.scheduled_cnn}
    assert plan.digits + plan.validation <= 60_000


def test_the_command_writes_a_table_and_its_record(plan, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(study.PLANS, "schedules", plan._replace(seeds=range(1)))
    study.main(["schedules", "--out", str(tmp_path), "--jobs", "1"])
    record = (tmp_path / "schedules.json").read_text()
    assert '"command": "python -m convbook.study schedules"' in record
    assert '"runs": 2' in record
    assert "2/2" in capsys.readouterr().out
