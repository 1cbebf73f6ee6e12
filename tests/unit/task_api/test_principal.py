"""What a caller may see, own and give away."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from eventconsumer_api.principal import ANYBODY, NotAllowed, Principal, owner_id_of

ANN, BEN = uuid4(), uuid4()
ann = Principal("ann", ANN)
admin = Principal("root", uuid4(), admin=True)


def test_an_owner_sees_their_own_tasks_and_nobody_elses() -> None:
    assert [ann.may_see(owner) for owner in (ANN, BEN, None)] == [True, False, False]


def test_an_admin_and_anybody_where_nobody_is_asked_see_every_task() -> None:
    assert all(caller.may_see(owner) for caller in (admin, ANYBODY) for owner in (ANN, BEN, None))


def test_a_caller_who_owns_as_nobody_sees_not_even_the_tasks_of_nobody() -> None:
    assert not Principal("guest", None).may_see(None)


def test_a_new_task_is_the_callers_unless_an_admin_says_whose() -> None:
    assert ann.owner_of_new(None) == ann.owner_of_new(ANN) == ANN
    assert (admin.owner_of_new(None), admin.owner_of_new(BEN)) == (admin.owner_id, BEN)
    assert (ANYBODY.owner_of_new(None), ANYBODY.owner_of_new(BEN)) == (None, BEN)


def test_a_task_for_somebody_else_is_refused() -> None:
    with pytest.raises(NotAllowed, match="Only an admin"):
        ann.owner_of_new(BEN)


@pytest.mark.parametrize("taker", [BEN, None])
def test_a_task_is_given_away_by_admins_only(taker: UUID | None) -> None:
    admin.check({"owner_id": taker})
    with pytest.raises(NotAllowed, match="Only an admin"):
        ann.check({"owner_id": taker})


def test_a_subject_that_is_a_uuid_owns_as_itself() -> None:
    assert owner_id_of("https://id.example", str(ANN)) == owner_id_of("other", str(ANN).upper()) == ANN


@pytest.mark.parametrize("subject", ["ann", f"urn:uuid:{ANN}", f"{{{ANN}}}", ANN.hex])
def test_any_other_subject_owns_as_a_uuid_of_its_issuer_and_name(subject: str) -> None:
    made = owner_id_of("https://id.example", subject)
    assert made == owner_id_of("https://id.example", subject)
    assert len({made, ANN, owner_id_of("https://other.example", subject)}) == 3
