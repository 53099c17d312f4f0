"""What a way to tell people is. To add one: a module with a `Channel`, and its row in `channel_table`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from survey_site.notifications.models import Delivery
from survey_site.studies.models import Study


@dataclass(frozen=True, slots=True)
class Addressee:
    """One address of a channel: `mail:7` of user 7, or `webhook`. Its first part is the channel's name."""

    address: str
    user: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """How notifications reach one kind of address.

    addressees: who is to be told of a study's notification, given the users who want it (subscribers, or whoever
    asked for a test). send: returns when the other side has taken it; else raises errors.Permanent or Transient,
    whose texts say in words what is wrong.
    """

    name: str
    addressees: Callable[[Study, Iterable[int]], Iterable[Addressee]]
    send: Callable[[Delivery], None]
