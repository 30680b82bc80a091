"""Learning-rate schedules: functions from a 0-based epoch to a learning rate."""


def inverse_time(epoch: int, initial: float = 0.003, decay: float = 0.319) -> float:
    """The schedule of the notes: ``initial / (1 + decay * epoch)``, rounded to 10 decimals as they round it.

    Args:
        epoch: 0-based, so the first epoch runs at ``initial``.
        initial: learning rate of the first epoch.
        decay: how fast the rate falls; at ``1 / decay`` epochs it has halved.
    """
    if epoch < 0:
        raise ValueError(f"epoch counts from 0, got {epoch}")
    return round(initial / (1 + decay * epoch), 10)
