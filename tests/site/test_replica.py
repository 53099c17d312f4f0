"""Which database is read: the replica within its block and where it is as far, else the primary; written is the primary."""

import pytest
from django.db import OperationalError

from survey_site import environment_stores as stores
from survey_site import replica
from survey_site.environment_values import Misconfigured
from survey_site.replica import ALIAS, Router

ROUTER = Router()


def test_without_a_replica_nothing_changes() -> None:
    with replica.reading(lambda: "1") as elsewhere:
        assert not elsewhere
        assert ROUTER.db_for_read(None) == "default"


@pytest.fixture
def two(settings: object) -> None:
    settings.DATABASES = {**settings.DATABASES, ALIAS: {}}  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.usefixtures("two")
def test_reads_go_to_a_replica_that_is_as_far_and_writes_never() -> None:
    with replica.reading(lambda: "as far") as elsewhere:
        assert elsewhere
        assert (ROUTER.db_for_read(None), ROUTER.db_for_write(None)) == (ALIAS, "default")
    assert ROUTER.db_for_read(None) == "default"


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.usefixtures("two")
def test_a_replica_that_is_behind_or_gone_is_not_read() -> None:
    with replica.reading(lambda: ROUTER.db_for_read(None)) as behind:
        assert (behind, ROUTER.db_for_read(None)) == (False, "default")

    def gone() -> str:
        if ROUTER.db_for_read(None) == ALIAS:
            raise OperationalError("connection refused")
        return "1"

    with replica.reading(gone) as answers:
        assert (answers, ROUTER.db_for_read(None)) == (False, "default")


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.usefixtures("two")
def test_a_replica_that_fails_in_the_middle_is_left_for_the_database_itself() -> None:
    read: list[str] = []

    def work() -> None:
        read.append(ROUTER.db_for_read(None))
        if read[-1] == ALIAS:
            raise OperationalError("canceling statement due to conflict with recovery")

    replica.read(lambda: "as far", work)
    assert read == [ALIAS, "default"]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.usefixtures("two")
def test_what_fails_on_the_database_itself_fails() -> None:
    def work() -> None:
        raise OperationalError("away")

    with pytest.raises(OperationalError, match="away"):
        replica.read(lambda: ROUTER.db_for_read(None), work)  # the replica is behind


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "postgres://h/db"),
        ("postgres://h/db", "sqlite:////x"),
        ("postgres://h/db",) * 2,
        ("postgres://h/db", "postgres://other"),
    ],
)
def test_what_is_no_replica_stops_the_boot(url: str, named: str, tmp_path: object) -> None:
    with pytest.raises(Misconfigured, match=r"^DATABASE_REPLICA_URL"):
        stores.databases(url, named, tmp_path)  # type: ignore[arg-type]
