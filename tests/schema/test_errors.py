from schema.errors import ERRORS, Internal, MeshError, Unavailable


def test_every_error_class_is_listed_under_its_code() -> None:
    assert set(ERRORS.values()) == set(MeshError.__subclasses__())
    assert all(ERRORS[code].code == code for code in ERRORS)


def test_an_error_carries_its_message_and_data() -> None:
    error = Unavailable("no node offers courses.term", {"action": "courses.term"})
    assert str(error) == error.message == "no node offers courses.term"
    assert error.data == {"action": "courses.term"}


def test_only_what_another_node_may_answer_is_retryable() -> None:
    assert {code for code, error in ERRORS.items() if error.retryable} == {"too_many", "unavailable", "timeout"}
    assert not Internal.retryable
