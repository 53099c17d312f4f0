"""What rooms above listen to."""

from django.dispatch import Signal

# A protocol was sealed, inside the transaction that did it. Arguments: `protocol`.
sealed = Signal()
