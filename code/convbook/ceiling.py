"""What dropout on the logits allows at best: the highest training accuracy and the lowest training loss."""

from math import comb, log


def training_accuracy_ceiling(dropout: float, classes: int = 10) -> float:
    """Highest accuracy that a perfect network can show while dropout acts on its logits.

    Dropout keeps the true class's logit with probability ``1 - dropout``, and the guess is then right. If it zeroes
    that logit and all other logits are negative, every zeroed class is tied at 0 and argmax takes the lowest index.
    Averaged over balanced classes, the true class has been zeroed and has the lowest index with probability
    ``(1 - (1 - dropout)**classes) / classes``.

    Args:
        dropout: rate of the dropout layer on the logits, in [0, 1).
        classes: number of logits.
    """
    return (1 - dropout) + (1 - (1 - dropout) ** classes) / classes


def training_loss_floor(dropout: float, classes: int = 10) -> float:
    """Lowest cross-entropy (in nats) that a perfect network can show while dropout acts on its logits.

    With probability ``dropout`` the true logit is zeroed and shares the probability evenly with the K others that are
    zeroed as well, K ~ Binomial(classes - 1, dropout): a loss of ``ln(1 + K)``. Otherwise the loss can approach 0.

    Args:
        dropout: rate of the dropout layer on the logits, in [0, 1).
        classes: number of logits.
    """
    others = classes - 1
    return dropout * sum(
        comb(others, k) * dropout**k * (1 - dropout) ** (others - k) * log(1 + k) for k in range(classes)
    )
