"""Exercises that check themselves: ``from convbook.exercises import check``, then ``check.conv2d(my_conv2d)``."""
